"""A program as data: steps, fields, types. Read by the web process, so it never imports DSPy."""

import json
import re
from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Literal

import msgspec

FieldType = Literal["str", "int", "float", "bool", "enum", "list[str]", "list[enum]"]
Module = Literal["Predict", "ChainOfThought"]

FIELD_TYPES: dict[FieldType, str] = {
    "str": "Text",
    "int": "Whole number",
    "float": "Number",
    "bool": "Yes or no",
    "enum": "One of a list",
    "list[str]": "List of texts",
    "list[enum]": "Several of a list",
}
MODULES: dict[Module, str] = {
    "Predict": "Predict: answer directly",
    "ChainOfThought": "Chain of thought: reason, then answer",
}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# DSPy uses these names itself: the first group raises, the second is swallowed by Predict without a word.
RESERVED = frozenset({"fields", "instructions", "signature", "input_fields", "output_fields"})
RESERVED_INPUTS = frozenset({"config", "demos", "lm", "new_signature"})
RESERVED_OUTPUTS = frozenset({"reasoning"})
TRUE_WORDS, FALSE_WORDS = frozenset({"true", "yes", "1"}), frozenset({"false", "no", "0"})


class SpecError(ValueError):
    """A program that cannot be built. `problems` are sentences for people, each naming its place."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = list(problems)
        super().__init__(" ".join(self.problems))


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One input or output. `options` are the allowed values of the enumerated types."""

    name: str
    type: FieldType = "str"
    description: str = ""
    options: tuple[str, ...] = ()


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One predictor: its module, its instruction and its fields."""

    name: str
    module: Module
    instructions: str
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The steps of a worker. One step for now."""

    steps: tuple[Step, ...]

    @property
    def inputs(self) -> tuple[Field, ...]:
        return self.steps[0].inputs

    @property
    def outputs(self) -> tuple[Field, ...]:
        return self.steps[-1].outputs

    def to_data(self) -> dict[str, Any]:
        """The program as JSON data; `program_from_data` reads it back."""
        return dict(msgspec.to_builtins(self))


def program_from_data(data: object) -> Program:
    """A checked program from JSON data. Raises SpecError."""
    try:
        program = msgspec.convert(data, Program, strict=False)
    except msgspec.ValidationError as error:
        raise SpecError([f"The program is not well formed: {error}."]) from None
    problems = ["A program has exactly one step."] if len(program.steps) != 1 else []
    for step in program.steps:
        problems += _step_problems(step)
    if problems:
        raise SpecError(problems)
    return program


def content_hash(data: object) -> str:
    """SHA-256 of JSON data, independent of key order."""
    return sha256(json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def coerce(field: Field, value: object) -> Any:
    """A value as the field's type; accepts what a CSV cell or a JSON value can hold. Raises ValueError."""
    if value is None or (isinstance(value, str) and not value.strip() and not field.type.startswith("list[")):
        raise ValueError(f"{field.name} is empty.")
    if field.type.startswith("list["):
        items = _items(field, value)
        if field.type == "list[enum]":
            return [_option(field, item) for item in items]
        return items
    if field.type == "enum":
        return _option(field, value)
    if field.type == "str":
        return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _boolean(field, value) if field.type == "bool" else _number(field, value)


def coerce_all(fields: Iterable[Field], values: Mapping[str, object]) -> dict[str, Any]:
    """Every field's value, or one SpecError that names each bad field."""
    done: dict[str, Any] = {}
    problems: list[str] = []
    for field in fields:
        try:
            done[field.name] = coerce(field, values.get(field.name))
        except ValueError as error:
            problems.append(str(error))
    if problems:
        raise SpecError(problems)
    return done


def _step_problems(step: Step) -> list[str]:
    problems = []
    if not step.inputs:
        problems.append(f"Step {step.name} needs at least one input field.")
    if not step.outputs:
        problems.append(f"Step {step.name} needs at least one output field.")
    if not step.instructions.strip():
        problems.append(f"Step {step.name} needs an instruction: one sentence that says what to do.")
    seen: set[str] = set()
    for role, fields, reserved in (
        ("input", step.inputs, RESERVED | RESERVED_INPUTS),
        ("output", step.outputs, RESERVED | RESERVED_OUTPUTS),
    ):
        for field in fields:
            problems += [f"{role.capitalize()} field “{field.name}”: {p}" for p in _field_problems(field, reserved)]
            if field.name in seen:
                problems.append(f"Field “{field.name}” is named twice.")
            seen.add(field.name)
    return problems


def _field_problems(field: Field, reserved: frozenset[str]) -> list[str]:
    problems = []
    if not NAME.fullmatch(field.name):
        problems.append("a name starts with a letter and has only letters, digits and underscores.")
    elif field.name in reserved:
        problems.append("this name is used by DSPy itself; choose another.")
    if field.type in ("enum", "list[enum]"):
        if len(field.options) < 2:
            problems.append("list at least two allowed values.")
        if len(set(field.options)) < len(field.options):
            problems.append("an allowed value is listed twice.")
        if any("; " in option or not option.strip() or "\n" in option for option in field.options):
            problems.append("an allowed value may not be empty or contain “; ” or a line break.")
    elif field.options:
        problems.append("only the types with a list take allowed values.")
    return problems


def _option(field: Field, value: object) -> str:
    text = str(value).strip()
    if text not in field.options:
        raise ValueError(f"{field.name}: “{_short(text)}” is not one of the {len(field.options)} allowed values.")
    return text


def _items(field: Field, value: object) -> list[str]:
    if isinstance(value, str):
        text = value.strip()
        if text.startswith("["):
            try:
                value = json.loads(text)
            except ValueError:
                raise ValueError(f"{field.name}: “{_short(text)}” is not a JSON list.") from None
        else:
            value = [part.strip() for part in re.split(r"[;|]", text) if part.strip()]
    if not isinstance(value, (list, tuple)):
        raise ValueError(f"{field.name}: a list is expected.")
    return [item if isinstance(item, str) else json.dumps(item) for item in value]


def _boolean(field: Field, value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text in TRUE_WORDS | FALSE_WORDS:
        return text in TRUE_WORDS
    raise ValueError(f"{field.name}: “{_short(text)}” is neither true nor false.")


def _number(field: Field, value: object) -> int | float:
    if isinstance(value, bool):
        raise ValueError(f"{field.name}: a number is expected, not {str(value).lower()}.")
    try:
        number = float(value) if isinstance(value, (int, float)) else float(str(value).strip().replace(",", ""))
    except ValueError:
        raise ValueError(f"{field.name}: “{_short(str(value))}” is not a number.") from None
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError(f"{field.name}: the number must be finite.")
    if field.type == "int":
        if number != int(number):
            raise ValueError(f"{field.name}: “{_short(str(value))}” is not a whole number.")
        return int(number)
    return number


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:57] + "…"
