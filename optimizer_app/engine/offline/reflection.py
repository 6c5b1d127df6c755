"""Answer GEPA's request: a better instruction from answers and the feedback on them."""

import json
import random
import re
from dataclasses import dataclass
from typing import Any

from optimizer_app.engine.offline.guidance import (
    HABITS,
    CueTable,
    compose,
    cue_lines,
    merge,
    normalized,
    read,
    without_guidance,
)
from optimizer_app.engine.offline.mining import (
    Shown,
    discriminative_words,
    has_iso_dates,
    is_extractive,
    preceding_words,
)
from optimizer_app.engine.offline.text import STOP_WORDS, content_stems, stem, words

EXPECTED = re.compile(r"(\w+): expected '([^']*)', got '([^']*)'")
CORRECT = re.compile(r"\s*correct\b", re.IGNORECASE)
MOST_CUES = 18
NEW_CUES = 4
KEPT_IN_DOUBT = 0.3  # chance that a word of a wrong answer stays with the label it misled to
ISO_HINT = "Write dates as ISO yyyy-mm-dd."


@dataclass(frozen=True)
class Judged:
    """One field of one answer with the right value beside it."""

    text: str
    field: str
    right: str
    got: str


def improve(current: str, examples_with_feedback: str, rng: random.Random | None) -> str:
    """The current instruction, changed by what the feedback shows."""
    judged = read_feedback(examples_with_feedback)
    shown = [Shown(item.text, item.field, item.right) for item in judged]
    base, habits = without_guidance(current), read(current).habits
    if is_extractive(shown):
        missed = has_iso_dates([Shown("", item.field, item.right) for item in judged if item.got != item.right])
        base = f"{base} {ISO_HINT}" if missed and ISO_HINT not in base else base
        return compose(base, habits, merge(cue_lines(current), preceding_words(shown)))
    untried = [habit.key for habit in HABITS if habit.key not in habits]
    if untried:  # one more way of reading each time; the useful ones survive GEPA's acceptance test
        habits = habits | {untried[0] if rng is None else rng.choice(untried)}
    return compose(base, habits, _corrected(cue_lines(current), judged, shown, rng))


def read_feedback(text: str) -> list[Judged]:
    """What the request shows of answers and feedback, as DSPy's GEPA writes it."""
    try:
        items = json.loads(text)
    except ValueError:
        return []
    judged: list[Judged] = []
    for item in items if isinstance(items, list) else []:
        inputs, outputs = item.get("Inputs") or {}, item.get("Generated Outputs") or {}
        source = " ".join(str(value) for value in inputs.values()) if isinstance(inputs, dict) else str(inputs)
        judged += _judged(source, outputs, str(item.get("Feedback") or ""))
    return judged


def _judged(source: str, outputs: Any, feedback: str) -> list[Judged]:
    if wrong := [Judged(source, field, right, got) for field, right, got in EXPECTED.findall(feedback)]:
        return wrong
    if CORRECT.match(feedback) and isinstance(outputs, dict):
        return [Judged(source, field, str(value), str(value)) for field, value in outputs.items()]
    return []


def _corrected(table: CueTable, judged: list[Judged], shown: list[Shown], rng: random.Random | None) -> CueTable:
    """Words of a wrongly answered input argue for the right value and against the one that was given."""
    found = discriminative_words(shown)
    for item in judged:
        if normalized(item.got) == normalized(item.right):
            continue
        present = content_stems(item.text)
        for label in table:
            if normalized(label) == normalized(item.got):
                table[label] = [w for w in table[label] if stem(w) not in present or _spared(rng)]
        own = content_stems(normalized(item.right))
        extra = [
            w for w in dict.fromkeys(words(item.text)) if w not in STOP_WORDS and len(w) > 3 and stem(w) not in own
        ]
        found[item.right] = list(dict.fromkeys([*found.get(item.right, []), *extra[:NEW_CUES]]))
    known = {normalized(label): label for label in table}
    for label, cues in found.items():
        name = known.get(normalized(label), label)
        table[name] = list(dict.fromkeys([*table.get(name, []), *cues]))[:MOST_CUES]
    return table


def _spared(rng: random.Random | None) -> bool:
    return rng is not None and rng.random() < KEPT_IN_DOUBT
