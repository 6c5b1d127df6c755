"""Compare one value with the expected one, 0 to 1."""

import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

Parameters = Mapping[str, Any]


def as_text(value: object) -> str:
    """A value as a person would write it."""
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def normalized_text(value: object) -> str:
    """Lower case, no punctuation, no articles, single spaces (the usual normalization of SQuAD)."""
    text = re.sub(r"\b(a|an|the)\b", " ", re.sub(r"[^\w\s]", " ", as_text(value).lower()))
    return " ".join(text.split())


def exact(expected: Any, got: Any, _: Parameters) -> float:
    return float(as_text(expected) == as_text(got))


def normalized(expected: Any, got: Any, _: Parameters) -> float:
    return float(normalized_text(expected) == normalized_text(got))


def contains(expected: Any, got: Any, _: Parameters) -> float:
    return float(f" {normalized_text(expected)} " in f" {normalized_text(got)} ")


def token_overlap(expected: Any, got: Any, _: Parameters) -> float:
    return _f1(Counter(normalized_text(expected).split()), Counter(normalized_text(got).split()))


def list_overlap(expected: Any, got: Any, _: Parameters) -> float:
    return _f1(Counter(set(_normalized_items(expected))), Counter(set(_normalized_items(got))))


def numeric(expected: Any, got: Any, parameters: Parameters) -> float:
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
