"""Built-in metrics."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer_app.engine.metrics import METRICS, Metric, score

DEFAULTS = {kind: {p.name: p.default for p in METRICS[kind].parameters} for kind in METRICS}
values = (
    st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.lists(st.text())
)


def value_of(kind: str, expected: object, got: object, **parameters: object) -> float:
    return score(Metric(kind, "x", DEFAULTS[kind] | parameters), {"x": expected}, {"x": got}).value


@pytest.mark.parametrize(
    ("kind", "expected", "got", "wanted"),
    [
        ("exact_match", "K1", "K1", 1),
        ("exact_match", "K1", "k1", 0),
        ("exact_match", True, True, 1),
        ("normalized_match", "The Answer!", "answer", 1),
        ("normalized_match", "answer", "answers", 0),
        ("contains", "forty two", "It is forty two.", 1),
        ("contains", "two", "twofold", 0),
        ("token_f1", "a red house", "red car", 0.5),
        ("token_f1", "", "", 1),
        ("numeric_tolerance", 100, "100.9", 1),
        ("numeric_tolerance", 100, "102", 0),
        ("numeric_tolerance", "1,000", 1000, 1),
        ("numeric_tolerance", 100, "many", 0),
        ("list_f1", ["a", "b"], ["b", "a"], 1),
        ("list_f1", ["a", "b"], ["b", "c"], 0.5),
        ("list_f1", [], [], 1),
    ],
)
def test_scores(kind: str, expected: object, got: object, wanted: float) -> None:
    assert value_of(kind, expected, got) == pytest.approx(wanted)


def test_the_larger_tolerance_holds() -> None:
    assert value_of("numeric_tolerance", 100, 105, absolute=5, relative=0.01) == 1
    assert value_of("numeric_tolerance", 0, 0.1, absolute=0.2) == 1


def test_all_fields_give_the_mean_and_say_what_was_wrong() -> None:
    result = score(Metric("exact_match"), {"a": 1, "b": "x"}, {"a": 1, "b": "y"})

    assert result.value == 0.5
    assert result.feedback == "b: expected 'x', got 'y'"


def test_missing_output_scores_zero() -> None:
    assert score(Metric("token_f1", "x"), {"x": "word"}, {}).value == 0


@given(st.sampled_from([k for k in METRICS if k != "numeric_tolerance"]), values, values)
def test_scores_lie_between_zero_and_one_and_the_right_answer_gets_one(
    kind: str, expected: object, got: object
) -> None:
    assert 0 <= value_of(kind, expected, got) <= 1
    assert value_of(kind, expected, expected) == 1


@given(values, values)
def test_binary_kinds_give_only_zero_or_one(expected: object, got: object) -> None:
    for kind, description in METRICS.items():
        if description.binary:
            assert value_of(kind, expected, got) in (0, 1)
