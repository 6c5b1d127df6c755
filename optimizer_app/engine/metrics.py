"""Built-in metrics. Each scores one field of one prediction in [0, 1] and says why.

To add one, write a function and an entry of METRICS (docs/howto/add-a-metric.md).
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from optimizer_app.engine.parameters import Parameter

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Score:
    """A score in [0, 1] and, where it is below 1, what was expected."""

    value: float
    feedback: str


@dataclass(frozen=True)
class MetricKind:
    """A way of scoring. `binary` metrics give only 0 or 1."""

    label: str
    help: str
    score: Callable[[Any, Any, Parameters], float]
    binary: bool
    parameters: tuple[Parameter, ...] = ()


class Metric(msgspec.Struct, frozen=True):
    """A kind with its parameters. `field` is the output to score; "" scores every output and takes the mean."""

    kind: str
    field: str = ""
    parameters: dict[str, Any] = {}

    @property
    def binary(self) -> bool:
        """Whether every score is 0 or 1: one field and a binary kind."""
        return METRICS[self.kind].binary and bool(self.field)


def score(metric: Metric, expected: Mapping[str, Any], predicted: Mapping[str, Any]) -> Score:
    """Score one prediction. A missing field scores 0."""
    kind = METRICS[metric.kind]
    names = [metric.field] if metric.field else list(expected)
    scores: list[float] = []
    wrong: list[str] = []
    for name in names:
        got = predicted.get(name)
        value = 0.0 if got is None else kind.score(expected[name], got, metric.parameters)
        scores.append(value)
        if value < 1:
            wrong.append(f"{name}: expected '{as_text(expected[name])}', got '{as_text(got)}'")
    return Score(sum(scores) / len(scores), "; ".join(wrong) or "correct")


def as_text(value: object) -> str:
    """A value as a person would write it."""
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def normalized_text(value: object) -> str:
    """Lower case, no punctuation, no articles, single spaces (the usual normalization of SQuAD)."""
    text = re.sub(r"\b(a|an|the)\b", " ", re.sub(r"[^\w\s]", " ", as_text(value).lower()))
    return " ".join(text.split())


def _exact(expected: Any, got: Any, _: Parameters) -> float:
    return float(as_text(expected) == as_text(got))


def _normalized(expected: Any, got: Any, _: Parameters) -> float:
    return float(normalized_text(expected) == normalized_text(got))


def _contains(expected: Any, got: Any, _: Parameters) -> float:
    return float(f" {normalized_text(expected)} " in f" {normalized_text(got)} ")


def _token_f1(expected: Any, got: Any, _: Parameters) -> float:
    return _f1(Counter(normalized_text(expected).split()), Counter(normalized_text(got).split()))


def _list_f1(expected: Any, got: Any, _: Parameters) -> float:
    return _f1(Counter(set(_normalized_items(expected))), Counter(set(_normalized_items(got))))


def _numeric(expected: Any, got: Any, parameters: Parameters) -> float:
    try:
        wanted, found = (float(str(value).replace(",", "")) for value in (expected, got))
    except ValueError:
        return 0.0
    allowed = max(parameters["absolute"], parameters["relative"] * abs(wanted))
    return float(abs(wanted - found) <= allowed)


def _normalized_items(value: Any) -> list[str]:
    return [normalized_text(item) for item in (value if isinstance(value, (list, tuple)) else [value])]


def _f1(wanted: Counter[str], found: Counter[str]) -> float:
    """Harmonic mean of precision and recall of two bags; 1 when both are empty."""
    if not wanted and not found:
        return 1.0
    shared = sum((wanted & found).values())
    return 2 * shared / (wanted.total() + found.total())


METRICS: dict[str, MetricKind] = {
    "exact_match": MetricKind(
        "Exact match", "1 when the answer equals the expected one letter by letter, else 0.", _exact, True
    ),
    "normalized_match": MetricKind(
        "Normalized match", "Like exact match, but case, punctuation and articles do not count.", _normalized, True
    ),
    "contains": MetricKind(
        "Contains", "1 when the expected words stand in the answer one after another, else 0.", _contains, True
    ),
    "token_f1": MetricKind("Token F1", "Overlap of words between answer and expectation, 0 to 1.", _token_f1, False),
    "numeric_tolerance": MetricKind(
        "Numeric tolerance",
        "1 when the number is within the tolerance, else 0. The larger of the two tolerances holds.",
        _numeric,
        True,
        (
            Parameter("absolute", "Absolute tolerance", "float", 0.0, "In the unit of the field.", 0, 1e12),
            Parameter(
                "relative", "Relative tolerance", "float", 0.01, "Share of the expected value; 0.01 is 1 %.", 0, 1
            ),
        ),
    ),
    "list_f1": MetricKind("List F1", "Overlap of two lists as sets, 0 to 1; order does not count.", _list_f1, False),
}
