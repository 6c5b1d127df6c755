"""A program as data: steps, fields, types, wiring. Read by the web process, so it never imports DSPy."""

import json
import re
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import Any, Literal

import msgspec

FieldType = Literal["str", "int", "float", "bool", "enum", "list[str]", "list[enum]"]
Module = Literal["Predict", "ChainOfThought", "ReAct", "Retrieve"]

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
    "ReAct": "ReAct: call tools, then answer",
    "Retrieve": "Retrieve: find passages, without a language model",
}
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
# DSPy uses these names itself: the first group raises, the second is swallowed by Predict without a word.
RESERVED = frozenset({"fields", "instructions", "signature", "input_fields", "output_fields"})
RESERVED_INPUTS = frozenset({"config", "demos", "lm", "new_signature"})
RESERVED_OUTPUTS = frozenset({"reasoning", "trajectory"})
# Two keys of a program's state that no predictor can have: the model that fine-tuning made, and what an assembly
# (engine/assemblies.py) consists of.
TUNED, ASSEMBLED = "@model", "@assembly"
MOST_STEPS, MOST_PASSAGES, MOST_TURNS = 12, 50, 20


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


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One step: its module, its instruction and its fields.

    `tools` and `turns` are of ReAct; `passages` (the content hash of a frozen dataset version) and `k` of Retrieve.
    """

    name: str
    module: Module
    instructions: str
    inputs: tuple[Field, ...]
    outputs: tuple[Field, ...]
    tools: tuple[str, ...] = ()
    turns: int = 4
    passages: str = ""
    k: int = 3

    @property
    def calls_model(self) -> bool:
        return self.module != "Retrieve"


class Program(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The steps of a worker, in the order they run; each reads inputs of the program and outputs of earlier steps.

    `given` are the program's inputs, by default those of the first step; `gives` names its outputs, by default those
    of the last step. `code` names a program registered from code, of `parts` predictors: its one step only says what
    goes in and out.
    """

    steps: tuple[Step, ...]
    given: tuple[Field, ...] = ()
    gives: tuple[str, ...] = ()
    code: str = ""
    parts: int = 1

    @property
    def inputs(self) -> tuple[Field, ...]:
        return self.given or self.steps[0].inputs

    @property
    def outputs(self) -> tuple[Field, ...]:
        if not self.gives:
            return self.steps[-1].outputs
        made = {field.name: field for step in self.steps for field in step.outputs}
        return tuple(made[name] for name in self.gives)

    @property
    def predictors(self) -> int:
        """How many predictors an optimizer works on; ReAct has two, one that acts and one that answers."""
        if self.code:
            return self.parts
        return sum(2 if step.module == "ReAct" else int(step.calls_model) for step in self.steps)

    @property
    def passages(self) -> set[str]:
        """The content hashes of the dataset versions that retrieval steps read."""
        return {step.passages for step in self.steps if step.passages}

    def to_data(self) -> dict[str, Any]:
        """The program as JSON data; `program_from_data` reads it back."""
        return dict(msgspec.to_builtins(self))


def program_from_data(data: object) -> Program:
    """A checked program from JSON data. Raises SpecError."""
    try:
        program = msgspec.convert(data, Program, strict=False)
    except msgspec.ValidationError as error:
        raise SpecError([f"The program is not well formed: {error}."]) from None
    if not 1 <= len(program.steps) <= MOST_STEPS:
        raise SpecError([f"A program has 1 to {MOST_STEPS} steps, not {len(program.steps)}."])
    problems = [problem for step in program.steps for problem in _step_problems(step)]
    if not program.code:
        problems += _wiring_problems(program)
    if problems:
        raise SpecError(problems)
    return program


def content_hash(data: object) -> str:
    """SHA-256 of JSON data, independent of key order."""
    return sha256(json.dumps(data, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()).hexdigest()


def _wiring_problems(program: Program) -> Iterator[str]:
    """Every input comes from the program's inputs or an earlier step, with the same type: so there are no cycles."""
    names = [step.name for step in program.steps]
    yield from (f"Two steps are called “{name}”." for name in sorted({n for n in names if names.count(n) > 1}))
    if not program.predictors:
        yield "At least one step must call a language model."
    known = {field.name: field for field in program.inputs}
    later = {field.name: step.name for step in program.steps for field in step.outputs}
    for step in program.steps:
        for field in step.inputs:
            yield from _source_problems(step, field, known, later)
        for field in step.outputs:
            if field.name in known:
                yield f"Step {step.name}: the field “{field.name}” exists already; every field is made once."
            known[field.name] = field
    yield from (f"No step makes the output “{name}”." for name in program.gives if name not in later)


def _source_problems(step: Step, field: Field, known: dict[str, Field], later: dict[str, str]) -> Iterator[str]:
    source = known.get(field.name)
    if source is None and field.name in later:
        maker = later[field.name]
        place = "itself" if maker == step.name else f"the later step {maker}"
        yield f"Step {step.name} reads “{field.name}”, which is made by {place}; only earlier steps can be read."
    elif source is None:
        yield (
            f"Step {step.name} reads “{field.name}”, which is neither an input of the program nor made by an "
            f"earlier step; there are {', '.join(known)}."
        )
    elif (source.type, source.options) != (field.type, field.options):
        yield f"Step {step.name} reads “{field.name}” as {field.type}, but it is made as {source.type}."


def _step_problems(step: Step) -> list[str]:
    problems = []
    if not NAME.fullmatch(step.name):
        problems.append(f"Step “{step.name}”: a name starts with a letter and has only letters, digits, underscores.")
    if not step.inputs:
        problems.append(f"Step {step.name} needs at least one input field.")
    if not step.outputs:
        problems.append(f"Step {step.name} needs at least one output field.")
    if step.calls_model and not step.instructions.strip():
        problems.append(f"Step {step.name} needs an instruction: one sentence that says what to do.")
    problems += _module_problems(step)
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


def _module_problems(step: Step) -> Iterator[str]:
    if step.module == "ReAct" and not step.tools:
        yield f"Step {step.name} uses ReAct and needs at least one tool."
    if step.module != "ReAct" and step.tools:
        yield f"Step {step.name}: only ReAct calls tools."
    if not 1 <= step.turns <= MOST_TURNS:
        yield f"Step {step.name}: turns lie between 1 and {MOST_TURNS}."
    if step.module != "Retrieve":
        if step.passages:
            yield f"Step {step.name}: only Retrieve reads passages."
        return
    if not step.passages:
        yield f"Step {step.name} retrieves and needs a dataset of passages."
    if not 1 <= step.k <= MOST_PASSAGES:
        yield f"Step {step.name}: between 1 and {MOST_PASSAGES} passages can be retrieved."
    if [field.type for field in step.inputs] != ["str"]:
        yield f"Step {step.name} retrieves with exactly one input, a text."
    if [field.type for field in step.outputs] != ["list[str]"]:
        yield f"Step {step.name} retrieves into exactly one output, a list of texts."


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
