"""Programs as data: what is accepted, what is refused and how it is said."""

import keyword
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from optimizer_app.engine.spec import Field, SpecError, content_hash, program_from_data
from optimizer_app.engine.values import coerce, coerce_all
from tests.factories.workers import routing_program


def problems_of(data: object) -> str:
    with pytest.raises(SpecError) as caught:
        program_from_data(data)
    return " ".join(caught.value.problems)


def test_round_trip() -> None:
    program = program_from_data(routing_program())

    assert program_from_data(program.to_data()) == program


@pytest.mark.parametrize(
    "name", ["_x", "1x", "a b", "", "fields", "instructions", "signature", "input_fields", "config", "demos", "lm"]
)
def test_input_names_that_break_dspy_are_refused(name: str) -> None:
    assert f"“{name}”" in problems_of(routing_program(inputs=[{"name": name}]))


@pytest.mark.parametrize("name", ["reasoning", "output_fields", "é", "x-y", "x.y"])
def test_output_names_that_break_dspy_are_refused(name: str) -> None:
    assert f"“{name}”" in problems_of(routing_program(outputs=[{"name": name}]))


@pytest.mark.parametrize("name", ["copy", "items", "keys", "values", "get", "inputs", "labels", "toDict"])
def test_output_names_that_shadow_methods_are_fine(name: str) -> None:
    program_from_data(routing_program(outputs=[{"name": name}]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"inputs": []}, "at least one input"),
        ({"outputs": []}, "at least one output"),
        ({"instructions": " "}, "needs an instruction"),
        ({"inputs": [{"name": "team"}]}, "named twice"),
        ({"outputs": [{"name": "team", "type": "enum", "options": ["a"]}]}, "at least two"),
        ({"outputs": [{"name": "team", "type": "enum", "options": ["a", "a"]}]}, "listed twice"),
        ({"outputs": [{"name": "team", "type": "enum", "options": ["a", "b; c"]}]}, "“; ”"),
        ({"outputs": [{"name": "team", "type": "str", "options": ["a", "b"]}]}, "only the types with a list"),
        ({"outputs": [{"name": "team", "type": "object"}]}, "not well formed"),
        ({"module": "eval"}, "not well formed"),
        ({"code": "import os"}, "not well formed"),
    ],
)
def test_bad_steps_are_refused_in_words(change: dict[str, Any], said: str) -> None:
    assert said in problems_of(routing_program(**change))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(), lambda x: st.lists(x) | st.dictionaries(st.text(), x)
    )
)
def test_any_json_is_either_a_program_or_a_spec_error(data: object) -> None:
    with pytest.raises(SpecError):
        program_from_data(data)


@pytest.mark.parametrize(
    ("field", "given_value", "value"),
    [
        (Field("x", "int"), "1,200", 1200),
        (Field("x", "float"), " 2.5 ", 2.5),
        (Field("x", "bool"), "Yes", True),
        (Field("x", "bool"), False, False),
        (Field("x", "str"), 7, "7"),
        (Field("x", "enum", options=("a", "b")), " a ", "a"),
        (Field("x", "list[str]"), "a; b | c", ["a", "b", "c"]),
        (Field("x", "list[str]"), '["a", 1]', ["a", "1"]),
        (Field("x", "list[str]"), "", []),
        (Field("x", "list[enum]", options=("a", "b")), ["b"], ["b"]),
    ],
)
def test_cells_become_typed_values(field: Field, given_value: object, value: object) -> None:
    assert coerce(field, given_value) == value


@pytest.mark.parametrize(
    ("field", "given_value"),
    [
        (Field("x", "int"), "1.5"),
        (Field("x", "int"), True),
        (Field("x", "float"), "nan"),
        (Field("x", "float"), "ten"),
        (Field("x", "bool"), "maybe"),
        (Field("x", "str"), ""),
        (Field("x", "str"), None),
        (Field("x", "enum", options=("a", "b")), "c"),
        (Field("x", "list[str]"), "[1"),
        (Field("x", "list[str]"), 5),
        (Field("x", "list[enum]", options=("a", "b")), "a; c"),
    ],
)
def test_bad_cells_name_their_field(field: Field, given_value: object) -> None:
    with pytest.raises(ValueError, match=r"^x"):
        coerce(field, given_value)


def test_all_bad_fields_are_named_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        coerce_all([Field("a", "int"), Field("b", "bool"), Field("c")], {"a": "x", "b": "y", "c": "fine"})

    assert len(caught.value.problems) == 2


@given(st.dictionaries(st.text(), st.integers()))
def test_content_hash_ignores_key_order(data: dict[str, int]) -> None:
    assert content_hash(data) == content_hash(dict(reversed(data.items())))


def test_python_keywords_are_allowed_names() -> None:
    program_from_data(routing_program(inputs=[{"name": name} for name in keyword.kwlist if name.islower()]))
