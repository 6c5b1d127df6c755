"""Take a value out of the input: find stretches of the right kind, rank them by the words around them."""

import random
import re

from optimizer_app.engine.offline.classify import text_features
from optimizer_app.engine.offline.guidance import Guidance, normalized
from optimizer_app.engine.offline.prompt import OutputField, Task
from optimizer_app.engine.offline.spans import (
    ISO_DATE,
    KINDS,
    Span,
    find,
    iso_date,
    locate,
    number_of,
    surroundings,
)
from optimizer_app.engine.offline.text import content_stems, inverse_frequency, sentences, stem, words

# What a field's name or description says about its value, in order of preference.
KIND_WORDS = (
    ("date", re.compile(r"date|day|when|deadline|due")),
    ("email", re.compile(r"e-?mail")),
    ("url", re.compile(r"\burl|link|website")),
    ("money", re.compile(r"amount|price|total|cost|fee|sum\b")),
    ("code", re.compile(r"\bid\b|code|number\b|reference|invoice|order")),
    (
        "name",
        re.compile(
            r"name|person|company|organi[sz]ation|vendor|supplier|merchant|city|country|place|product|entit|who\b"
        ),
    ),
)
KIND_ORDER = ("date", "email", "url", "money", "code", "number", "name")

Shown = list[tuple[str, str]]  # (input text, value) of each demonstration


def shown_values(task: Task, output: OutputField) -> Shown:
    """What the demonstrations answer for this field, each beside its input text."""
    return [
        ("\n".join(demo.inputs.values()), str(demo.outputs[output.name]))
        for demo in task.demos
        if output.name in demo.outputs
    ]


def extract_number(
    task: Task, output: OutputField, guidance: Guidance, rng: random.Random | None, temperature: float
) -> float:
    """The number in the input that suits the field best; 0 when there is none."""
    candidates = find("money", task.text) if value_kind(output, []) == "money" else []
    if not candidates:
        dates = find("date", task.text)
        candidates = [
            span for span in find("number", task.text) if not any(start <= span[0] < end for start, end, _ in dates)
        ]
    if not candidates:
        return 0.0
    picked = _best_span(task, output, guidance, candidates, rng, temperature)
    return number_of(picked) or 0.0


def extract_text(
    task: Task, output: OutputField, guidance: Guidance, rng: random.Random | None, temperature: float
) -> str:
    """A stretch of the kind the field asks for, else the sentence that says most."""
    shown = shown_values(task, output)
    kind = value_kind(output, [value for _, value in shown])
    candidates = find(kind, task.text) if kind else []
    if kind == "name":
        candidates = [span for span in candidates if not _starts_sentence(task.text, span)] or candidates
    if not candidates:
        return _telling_sentence(task, guidance)
    value = _best_span(task, output, guidance, candidates, rng, temperature)
    wants_iso = "iso" in task.instruction.lower() or re.search(r"yyyy|iso", output.description, re.IGNORECASE)
    if kind == "date" and (wants_iso or any(ISO_DATE.fullmatch(v) for _, v in shown)):
        return iso_date(value) or value
    return value


def value_kind(output: OutputField, values: list[str]) -> str:
    """The kind of value wanted, from the field's name, its description, or the values shown; "" if unknown."""
    for text in (normalized(output.name), output.description.lower()):
        for kind, pattern in KIND_WORDS:
            if pattern.search(text):
                return kind
    return next((k for k in KIND_ORDER if values and all(KINDS[k].fullmatch(value) for value in values)), "")


def _best_span(
    task: Task,
    output: OutputField,
    guidance: Guidance,
    candidates: list[Span],
    rng: random.Random | None,
    temperature: float,
) -> str:
    shown = shown_values(task, output)
    seen: dict[str, int] = {}
    for source, value in shown:
        if at := locate(source, value):
            for mark in surroundings(source, *at):
                seen[mark] = seen.get(mark, 0) + 1
    cues = {stem(word) for cue in guidance.cues.get(normalized(output.name), ()) for word in words(cue)}
    field_words = content_stems(f"{normalized(output.name)} {output.description}")
    task_words = field_words | content_stems(task.instruction)

    def score(index: int) -> float:
        start, end, _ = candidates[index]
        marks = surroundings(task.text, start, end)
        value = 2.0 * sum(seen.get(mark, 0) for mark in marks) / max(1, len(shown))
        value += 1.2 * len({mark[2:] for mark in marks} & cues) - 0.01 * index
        value += sum(0.8 * (mark[2:] in field_words) + 0.15 * (mark[2:] in task_words) for mark in marks)
        return value + (0.1 * temperature * rng.gauss(0, 1) if rng else 0.0)

    return candidates[max(range(len(candidates)), key=score)][2]


def _starts_sentence(text: str, span: Span) -> bool:
    start, _, value = span
    return " " not in value and (start == 0 or text[max(0, start - 2) : start] in (". ", "? ", "! "))


def _telling_sentence(task: Task, guidance: Guidance) -> str:
    parts = sentences(task.text)
    documents = [text_features(part, guidance) for part in parts]
    idf = inverse_frequency(documents)

    def weight(index: int) -> float:
        document = documents[index]
        return sum(value * idf.get(key, 1.0) for key, value in document.items()) / (5 + len(document))

    return parts[max(range(len(parts)), key=weight)]
