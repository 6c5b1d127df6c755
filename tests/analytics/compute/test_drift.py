"""Words that are new are found; words that come and go by chance are not."""

import random

from analytics.compute.causes import causes
from analytics.compute.drift import word_changes, words_of

VOCABULARY = [a + b for a in ("pay", "ship", "lock", "code", "bill") for b in ("ment", "ping", "load", "book", "mark")]


def calls(draw: random.Random, n: int, more: str = "") -> list[frozenset[str]]:
    return [words_of([" ".join(draw.sample(VOCABULARY, 5)), more]) for _ in range(n)]


def test_words_are_letters_in_any_language() -> None:
    assert words_of(["Größe 12345 der Überweisung, ab"]) == {"größe", "überweisung"}


def test_a_new_word_and_the_distance_from_the_training_data_are_told() -> None:
    draw = random.Random(1)
    found = word_changes(calls(draw, 200), calls(draw, 60, "passkey"), frozenset(VOCABULARY))
    sure = {cause.name: cause for cause in causes([], [], lambda reading: None, found)}
    assert sure["passkey"].after == 1.0
    assert sure["with words that the training data lacks"].before == 0.0


def test_what_comes_and_goes_by_chance_is_not_told() -> None:
    draw, wrong = random.Random(2), 0
    for _ in range(200):
        found = word_changes(calls(draw, 200), calls(draw, 100), ())
        wrong += bool(causes([], [], lambda reading: None, found))
    assert wrong <= 6  # 1 in 100 is promised


def test_nothing_is_told_of_nothing() -> None:
    assert word_changes([], [frozenset({"word"})], ()) == []
