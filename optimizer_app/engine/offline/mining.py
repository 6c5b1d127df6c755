"""Learn cue words from examples: which words tell one answer from the others, which stand before a value."""

import ast
import random
import re
from collections import Counter
from dataclasses import dataclass

from optimizer_app.engine.offline.guidance import MAX_CUES, CueTable
from optimizer_app.engine.offline.spans import ISO_DATE, LEFT_CHARS, locate
from optimizer_app.engine.offline.text import STOP_WORDS, stem, words

EXAMPLE_REPR = re.compile(r"Example\((\{.*?\})\) \(input_keys=(\{.*?\}|None)\)", re.DOTALL)
CONTEXT_CUES = 5
EXTRACTIVE_SHARE = 0.8  # this share of values standing in the input makes the task an extraction


@dataclass(frozen=True)
class Shown:
    """One output value of one example that an optimizer's prompt shows."""

    text: str
    field: str
    value: str


def read_examples(text: str) -> list[Shown]:
    """The examples in the form DSPy prints them, one entry per output field."""
    shown: list[Shown] = []
    for match in EXAMPLE_REPR.finditer(text):
        try:
            data = ast.literal_eval(match[1])
        except (ValueError, SyntaxError):
            continue
        keys = {key.strip(" '\"") for key in match[2].strip("{}").split(",")}
        source = " ".join(str(value) for key, value in data.items() if key in keys)
        shown += [
            Shown(source, key, str(value))
            for key, value in data.items()
            if key not in keys and not key.startswith("dspy_")
        ]
    return shown


def read_prefixed(text: str) -> list[Shown]:
    """Demonstrations written as `Text: ...` lines with a blank line between; the last line is the output."""
    shown = []
    for block in re.split(r"\n\s*\n", text):
        pairs = re.findall(
            r"^([A-Z][\w ]{0,40}):[ ]?(.*?)(?=^[A-Z][\w ]{0,40}:|\Z)", block.strip() + "\n", re.MULTILINE | re.DOTALL
        )
        filled = [(key, value.strip()) for key, value in pairs if value.strip()]
        if len(filled) > 1:
            source = " ".join(value for _, value in filled[:-1])
            shown.append(Shown(source, filled[-1][0], filled[-1][1]))
    return shown


def is_extractive(shown: list[Shown]) -> bool:
    """Whether the values are mostly copied, perhaps reformatted, from their inputs."""
    copied = sum(locate(item.text, item.value) is not None for item in shown)
    return bool(shown) and copied >= EXTRACTIVE_SHARE * len(shown)


def discriminative_words(shown: list[Shown], drop: float = 0.0, rng: random.Random | None = None) -> CueTable:
    """value -> words that tell it from the other values. `drop` leaves words out at random, for variety."""
    documents: dict[str, list[set[str]]] = {}
    spellings: dict[str, Counter[str]] = {}
    for item in shown:
        found = [word for word in words(item.text) if word not in STOP_WORDS and len(word) > 2]
        for word in found:
            spellings.setdefault(stem(word), Counter())[word] += 1
        documents.setdefault(item.value, []).append({stem(word) for word in found})
    totals = Counter(s for docs in documents.values() for document in docs for s in document)
    table: CueTable = {}
    for value, docs in documents.items():
        here = Counter(s for document in docs for s in document)
        scores = {s: (n + 0.25) / (totals[s] - n + 0.5) * n**0.5 for s, n in here.items()}
        ranked = sorted((s for s in scores if scores[s] > 0.8), key=lambda s: (-scores[s], s))[:MAX_CUES]
        if rng is not None and drop:
            ranked = [s for s in ranked if rng.random() > drop] or ranked
        table[value] = [max(spellings[s], key=lambda word: (spellings[s][word], word)) for s in ranked]
    return table


def preceding_words(shown: list[Shown]) -> CueTable:
    """field -> words that stand before its value more often than before the values of other fields."""
    counts: dict[str, Counter[str]] = {}
    for item in shown:
        counts.setdefault(item.field, Counter()).update(set(_words_before(item)))
    table: CueTable = {}
    for name, own in counts.items():
        others = [other for field, other in counts.items() if field != name]
        telling = [w for w in own if own[w] > max((other[w] for other in others), default=0)]
        if best := sorted(telling, key=lambda w: (-own[w], w))[:CONTEXT_CUES]:
            table[name] = best
    return table


def has_iso_dates(shown: list[Shown]) -> bool:
    """Whether any value is a date as yyyy-mm-dd."""
    return any(ISO_DATE.fullmatch(item.value) for item in shown)


def _words_before(item: Shown) -> list[str]:
    at = locate(item.text, item.value)
    if at is None:
        return []
    before = words(item.text[max(0, at[0] - LEFT_CHARS) : at[0]])[-4:]
    return [word for word in before if word not in STOP_WORDS and not word[0].isdigit() and len(word) > 2]
