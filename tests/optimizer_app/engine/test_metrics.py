"""Built-in metrics."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer_app import sdk
from optimizer_app.engine.metrics import COMPOSITE, JUDGE, METRICS, SCHEMA, Case, Metric, Part, score
from optimizer_app.sdk.registry import Registry

MATCHING = [kind for kind in METRICS if kind not in (COMPOSITE, JUDGE, SCHEMA)]
DEFAULTS = {kind: {p.name: p.default for p in METRICS[kind].parameters} for kind in METRICS}
values = (
    st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.lists(st.text())
)


def value_of(kind: str, expected: object, got: object, **parameters: object) -> float:
    return score(Metric(kind, "x", DEFAULTS[kind] | parameters), Case({}, {"x": expected}, {"x": got})).value


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
    result = score(Metric("exact_match"), Case({}, {"a": 1, "b": "x"}, {"a": 1, "b": "y"}))

    assert result.value == 0.5
    assert result.feedback == "b: expected 'x', got 'y'"


def test_missing_output_scores_zero() -> None:
    assert score(Metric("token_f1", "x"), Case({}, {"x": "word"}, {})).value == 0


@given(st.sampled_from([k for k in MATCHING if k != "numeric_tolerance"]), values, values)
def test_scores_lie_between_zero_and_one_and_the_right_answer_gets_one(
    kind: str, expected: object, got: object
) -> None:
    assert 0 <= value_of(kind, expected, got) <= 1
    assert value_of(kind, expected, expected) == 1


@given(values, values)
def test_binary_kinds_give_only_zero_or_one(expected: object, got: object) -> None:
    for kind in MATCHING:
        description = METRICS[kind]
        if description.binary:
            assert value_of(kind, expected, got) in (0, 1)


def test_a_composite_weighs_its_parts_and_a_required_one_decides() -> None:
    loose = Part(Metric("token_f1", "a"), "words", weight=1)
    strict = Part(Metric("exact_match", "b"), "label", weight=3)
    case = Case({}, {"a": "red house", "b": "x"}, {"a": "red car", "b": "x"})
    wrong = Case({}, {"a": "red house", "b": "x"}, {"a": "red house", "b": "y"})
    required = msgspec.structs.replace(strict, required=True)

    assert score(Metric(COMPOSITE, parts=(loose, strict)), case).value == pytest.approx((0.5 + 3) / 4)
    assert score(Metric(COMPOSITE, parts=(loose, strict)), wrong).value == pytest.approx(1 / 4)
    assert score(Metric(COMPOSITE, parts=(loose, required)), wrong).value == 0
    assert score(Metric(COMPOSITE, parts=(loose, required)), wrong).feedback == "label 0.00: b: expected 'x', got 'y'"
    assert Metric(COMPOSITE, parts=(required,)).binary
    assert not Metric(COMPOSITE, parts=(loose, required)).binary


def test_json_schema_accepts_what_fits_and_says_what_does_not() -> None:
    schema = '{"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}'
    metric = Metric(SCHEMA, "x", {"schema": schema})

    assert score(metric, Case({}, {"x": ""}, {"x": '{"total": 3}'})).value == 1
    assert (
        score(metric, Case({}, {"x": ""}, {"x": '{"total": "3"}'})).feedback == "x.total: '3' is not of type 'number'"
    )
    assert score(metric, Case({}, {"x": ""}, {"x": "{"})).value == 0


def test_code_metrics_score_and_explain(registry: Registry) -> None:
    @sdk.metric("short", binary=True)
    def short(expected: dict[str, str], predicted: dict[str, str]) -> tuple[bool, str]:
        """Answers of one word."""
        return len(predicted["x"].split()) == 1, "use one word"

    @sdk.metric("broken")
    def broken(expected: dict[str, str], predicted: dict[str, str]) -> float:
        return 3.0

    long = Case({}, {"x": "yes"}, {"x": "yes of course"})
    assert registry.metrics["short"].help == "Answers of one word."
    assert score(Metric("short"), Case({}, {"x": "yes"}, {"x": "yes"})).value == 1
    assert (score(Metric("short"), long).value, score(Metric("short"), long).feedback) == (0, "use one word")
    with pytest.raises(ValueError, match=r"broken returned 3.0; a score lies between 0 and 1"):
        score(Metric("broken"), long)


def test_a_judge_without_a_language_model_is_refused_not_made_up() -> None:
    with pytest.raises(LookupError, match="asks a language model"):
        score(Metric(JUDGE, "x", {"rubric": "r"}, judge="1"), Case({}, {"x": "a"}, {"x": "a"}))
