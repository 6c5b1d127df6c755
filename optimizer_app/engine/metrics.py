"""Metrics: score one prediction in [0, 1] and say why.

To add a built-in kind, write a function and an entry of METRICS (docs/howto/add-a-metric.md).
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from optimizer_app.engine.matching import (
    as_text,
    contains,
    exact,
    list_overlap,
    normalized,
    numeric,
    token_overlap,
)
from optimizer_app.engine.parameters import Parameter
from optimizer_app.sdk.registry import REGISTRY

Parameters = Mapping[str, Any]
COMPOSITE, JUDGE, SCHEMA = "composite", "judge", "json_schema"


@dataclass(frozen=True)
class Score:
    """A score in [0, 1] and, where it is below 1, what was expected. `by_field` says it for each output alone."""

    value: float
    feedback: str
    by_field: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Case:
    """What a metric looks at."""

    inputs: Mapping[str, Any]
    expected: Mapping[str, Any]
    predicted: Mapping[str, Any]


@dataclass(frozen=True)
class MetricKind:
    """A way of scoring. `binary` kinds give only 0 or 1. Kinds without `match` look at the whole case."""

    label: str
    help: str
    match: Callable[[Any, Any, Parameters], float] | None
    binary: bool
    parameters: tuple[Parameter, ...] = ()


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One part of a composite: a required part that is below 1 makes the whole 0."""

    metric: "Metric"
    name: str = ""
    weight: float = 1.0
    required: bool = False


class Metric(msgspec.Struct, frozen=True):
    """A kind with its parameters. `field` is the output to score; "" scores every output and takes the mean.

    `parts` are of a composite. `judge` names the language model connection of a judge.
    """

    kind: str
    field: str = ""
    parameters: dict[str, Any] = {}
    parts: tuple[Part, ...] = ()
    judge: str = ""

    @property
    def binary(self) -> bool:
        """Whether every score is 0 or 1."""
        if self.kind == COMPOSITE:
            return all(part.required and part.metric.binary for part in self.parts)
        kind = metric_kinds()[self.kind]
        return kind.binary and (bool(self.field) or kind.match is None)

    @property
    def judges(self) -> set[str]:
        """The connections that judges within this metric call."""
        return ({self.judge} if self.judge else set()).union(*(part.metric.judges for part in self.parts))


Judge = Callable[[Metric, Case], Score]


def score(metric: Metric, case: Case, judge: Judge | None = None) -> Score:
    """Score one prediction. A missing field scores 0. `judge` answers for the metrics that ask a language model."""
    if metric.kind == COMPOSITE:
        return _composite(metric, case, judge)
    if metric.kind == JUDGE:
        if judge is None:
            raise LookupError("This metric asks a language model, which is only open inside a run or a trial.")
        return judge(metric, case)
    if metric.kind == SCHEMA:
        return _schema(metric, case)
    if metric.kind in REGISTRY.metrics:
        return _from_code(metric, case)
    return _matched(metric, METRICS[metric.kind], case)


def metric_kinds() -> dict[str, MetricKind]:
    """Every kind by name: the built-in ones and those registered from code."""
    return METRICS | {
        name: MetricKind(f"{name} (code)", entry.help, None, entry.binary) for name, entry in REGISTRY.metrics.items()
    }


def _matched(metric: Metric, kind: MetricKind, case: Case) -> Score:
    names = [metric.field] if metric.field else list(case.expected)
    scores: list[float] = []
    wrong: dict[str, str] = {}
    for name in names:
        got = case.predicted.get(name)
        value = 0.0 if got is None or kind.match is None else kind.match(case.expected[name], got, metric.parameters)
        scores.append(value)
        if value < 1:
            wrong[name] = f"{name}: expected '{as_text(case.expected[name])}', got '{as_text(got)}'"
    return Score(sum(scores) / len(scores), "; ".join(wrong.values()) or "correct", wrong)


def _composite(metric: Metric, case: Case, judge: Judge | None) -> Score:
    total, weights, failed = 0.0, 0.0, False
    said: list[str] = []
    wrong: dict[str, str] = {}
    for part in metric.parts:
        scored = score(part.metric, case, judge)
        total += part.weight * scored.value
        weights += part.weight
        failed = failed or (part.required and scored.value < 1)
        if scored.value < 1:
            said.append(f"{part.name or part.metric.kind} {scored.value:.2f}: {scored.feedback}")
            wrong |= scored.by_field
    return Score(0.0 if failed else total / weights, "; ".join(said) or "correct", wrong)


def _schema(metric: Metric, case: Case) -> Score:
    """1 when the output holds JSON that the schema accepts."""
    from jsonschema import Draft202012Validator  # takes 60 ms that most pages do not need

    name = metric.field
    value = case.predicted.get(name)
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError as error:
            return Score(0.0, f"{name}: not JSON ({error})", {name: f"{name}: not JSON"})
    errors = sorted(Draft202012Validator(json.loads(metric.parameters["schema"])).iter_errors(value), key=str)
    if not errors:
        return Score(1.0, "correct")
    text = "; ".join(f"{name}{error.json_path[1:]}: {error.message}" for error in errors[:3])
    return Score(0.0, text, {name: text})


def _from_code(metric: Metric, case: Case) -> Score:
    result = REGISTRY.metrics[metric.kind].score(dict(case.expected), dict(case.predicted))
    value, feedback = result if isinstance(result, tuple) else (result, "")
    number = float(value)
    if not 0 <= number <= 1:
        raise ValueError(f"The metric {metric.kind} returned {number}; a score lies between 0 and 1.")
    expected = ", ".join(f"{name}: {as_text(item)}" for name, item in case.expected.items())
    return Score(number, str(feedback) or ("correct" if number == 1 else f"scored {number:.2f}, expected {expected}"))


METRICS: dict[str, MetricKind] = {
    "exact_match": MetricKind(
        "Exact match", "1 when the answer equals the expected one letter by letter, else 0.", exact, True
    ),
    "normalized_match": MetricKind(
        "Normalized match", "Like exact match, but case, punctuation and articles do not count.", normalized, True
    ),
    "contains": MetricKind(
        "Contains", "1 when the expected words stand in the answer one after another, else 0.", contains, True
    ),
    "token_f1": MetricKind("Token F1", "Words shared by answer and expectation, 0 to 1.", token_overlap, False),
    "numeric_tolerance": MetricKind(
        "Numeric tolerance",
        "1 when the number is within the tolerance, else 0. The larger of the two tolerances holds.",
        numeric,
        True,
        (
            Parameter("absolute", "Absolute tolerance", "float", 0.0, "In the unit of the field.", 0, 1e12),
            Parameter(
                "relative", "Relative tolerance", "float", 0.01, "Share of the expected value; 0.01 is 1 %.", 0, 1
            ),
        ),
    ),
    "list_f1": MetricKind("List F1", "Items shared by two lists, 0 to 1; order does not count.", list_overlap, False),
    SCHEMA: MetricKind(
        "JSON schema",
        "1 when the field holds JSON that the schema accepts, else 0. Needs a field.",
        None,
        True,
        (
            Parameter(
                "schema", "JSON schema", "text", '{"type": "object"}', "Draft 2020-12; references are not followed."
            ),
        ),
    ),
    JUDGE: MetricKind(
        "LM judge",
        "A language model grades the answer by a rubric, 0 to 1 in five steps. Costs one call an answer.",
        None,
        False,
        (
            Parameter(
                "rubric",
                "Rubric",
                "text",
                "The answer says the same as the expected answer and adds nothing wrong.",
                "What a good answer is, in a few plain sentences.",
            ),
        ),
    ),
    COMPOSITE: MetricKind(
        "Composite", "A weighted mean of other metrics; a required one that is not met makes it 0.", None, False
    ),
}
