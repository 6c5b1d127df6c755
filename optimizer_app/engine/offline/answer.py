"""Answer a task: one function per shape of output field."""

import json
import random
import re
from collections import Counter
from typing import Any

from optimizer_app.engine.offline.acting import act, is_turn
from optimizer_app.engine.offline.classify import classify
from optimizer_app.engine.offline.extract import extract_number, extract_text, shown_values, value_kind
from optimizer_app.engine.offline.guidance import Guidance, cue_scores, normalized, read
from optimizer_app.engine.offline.prompt import OutputField, Task
from optimizer_app.engine.offline.spans import find, locate
from optimizer_app.engine.offline.text import (
    STOP_WORDS,
    content_stems,
    cosine,
    features,
    inverse_frequency,
    stems,
    words,
)
from optimizer_app.engine.offline.weights import Weights

LABEL_NAME = re.compile(
    r"label|category|class|intent|type|sentiment|topic|polarity|priority|route|language|tone|verdict|decision|team",
    re.IGNORECASE,
)
THOUGHTS = ("reasoning", "rationale", "thought")
LABEL_WORDS = 6  # an open text answer of at most this many words may be a label


def answer(task: Task, rng: random.Random | None, temperature: float, weights: Weights | None = None) -> dict[str, Any]:
    """A value for every output field; `rng` is None at temperature 0, `weights` are of a fine-tuned model."""
    if is_turn(task):
        return act(task)
    guidance = read(task.instruction)
    values = {
        output.name: _value(task, output, guidance, rng, temperature, weights)
        for output in task.outputs
        if output.name not in THOUGHTS
    }
    said = ", ".join(f"{name} is {value}" for name, value in values.items())
    mentioned = ", ".join([word for word in words(task.text) if word not in STOP_WORDS][:4])
    thought = f"The input mentions {mentioned or 'little'}, so {said}."
    return {output.name: values.get(output.name, thought) for output in task.outputs}


def _value(
    task: Task,
    output: OutputField,
    guidance: Guidance,
    rng: random.Random | None,
    temperature: float,
    weights: Weights | None,
) -> Any:
    if output.type.startswith("list["):
        return _several_options(task, output, guidance) if output.item_options else _several_values(task, output)
    if options := output.options or _implied_options(task, output, guidance):
        learned = weights.scores(output.name, task.text) if weights else {}
        picked = classify(task, output, options, guidance, rng, temperature, learned)
        return picked == "True" if output.type == "bool" and task.form == "json" else picked
    if output.type in ("int", "float"):
        number = extract_number(task, output, guidance, rng, temperature)
        value = int(number) if output.type == "int" else number
        return value if task.form == "json" else str(value)
    return extract_text(task, output, guidance, rng, temperature)


def _implied_options(task: Task, output: OutputField, guidance: Guidance) -> tuple[str, ...]:
    """A plain text output acts as a label when demonstrations or instruction show a closed set."""
    if output.type != "str":
        return ()
    shown = shown_values(task, output)
    values = [value for _, value in shown]
    short = all(len(value.split()) <= LABEL_WORDS and "\n" not in value for value in values)
    copied = sum(locate(source, value) is not None for source, value in shown)
    labelled = LABEL_NAME.search(output.name) is not None
    options: list[str] = []
    if values and short and copied < 0.5 * len(values) and (labelled or len(set(values)) < len(values)):
        options = list(values)
    if match := re.search(r"one of:?\s*([^\n.]+)", task.instruction, re.IGNORECASE):
        options += [part.strip(" `\"'") for part in re.split(r",|;|\bor\b|/", match[1])]
    if labelled and len(guidance.labels) > 1:
        options += guidance.labels
    unique = tuple(dict.fromkeys(option for option in options if option))
    return unique if len(unique) > 1 or (unique and labelled) else ()


def _several_options(task: Task, output: OutputField, guidance: Guidance) -> list[str]:
    """Every option whose cue or name is present, else those of the nearest demonstration."""
    options = output.item_options
    text_stems = stems(task.text)
    cues = cue_scores(guidance, options, text_stems)
    present = set(text_stems)
    picked = [o for o in options if cues.get(o, 0.0) > 0 or content_stems(normalized(o)) & present]
    demos = [demo for demo in task.demos if output.name in demo.outputs]
    if picked or not demos:
        return picked
    documents = [_plain_features("\n".join(demo.inputs.values())) for demo in demos]
    query = _plain_features(task.text)
    idf = inverse_frequency([*documents, query])
    nearest = max(range(len(documents)), key=lambda index: cosine(query, documents[index], idf, 1.0))
    return [item for item in _as_list(demos[nearest].outputs[output.name]) if item in options]


def _several_values(task: Task, output: OutputField) -> list[str]:
    """Every stretch of the kind wanted, else the most frequent content words."""
    lists = [_as_list(demo.outputs[output.name]) for demo in task.demos if output.name in demo.outputs]
    kind = value_kind(output, [item for items in lists for item in items])
    if kind:
        return list(dict.fromkeys(value.strip() for _, _, value in find(kind, task.text)))
    counts = Counter(word for word in words(task.text) if word not in STOP_WORDS and len(word) > 2)
    length = max(1, round(sum(map(len, lists)) / len(lists))) if lists else 3
    return sorted(counts, key=lambda word: -counts[word] * (1 + len(word) / 20))[:length]


def _plain_features(text: str) -> dict[str, float]:
    return features(text, stemmed=True, stop_weight=0.0, char_weight=0.0, pair_weight=0.0)


def _as_list(value: object) -> list[str]:
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            return []
    return [str(item) for item in value] if isinstance(value, list) else []
