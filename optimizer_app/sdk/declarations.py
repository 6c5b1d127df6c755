"""What a decorated thing says about itself: its fields, and its program as data where it has one."""

import inspect
import types
from typing import Any, Literal, Union, get_args, get_origin

import dspy

from optimizer_app.engine.spec import Program, program_from_data

_PLAIN = {str: "str", int: "int", float: "float", bool: "bool"}


def signature_fields(signature: Any) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The input and output fields of a DSPy signature. `reasoning`, which DSPy adds itself, is left out."""
    outputs = {name: field for name, field in signature.output_fields.items() if name != "reasoning"}
    return [_field(*item) for item in signature.input_fields.items()], [_field(*item) for item in outputs.items()]


def of_signature(signature: Any, module: str = "Predict") -> dict[str, Any]:
    """The program of one predictor."""
    inputs, outputs = signature_fields(signature)
    told = signature.instructions
    step = {"name": "answer", "module": module, "instructions": told, "inputs": inputs, "outputs": outputs}
    return {"steps": [step]}


def of_module(
    module: dspy.Module, name: str, inputs: list[dict[str, Any]] | None, outputs: list[dict[str, Any]] | None
) -> tuple[dict[str, Any], bool]:
    """The program of a developer's module, and whether it is a stand-in: the fields alone, of several predictors.

    A module with a single predictor is described in full. Raises TypeError where fields cannot be known.
    """
    predictors = [predictor for _, predictor in module.named_predictors()]
    if len(predictors) == 1:
        thinks = "reasoning" in predictors[0].signature.output_fields
        program = of_signature(predictors[0].signature, "ChainOfThought" if thinks else "Predict")
        step = program["steps"][0]
        declared = step | {"inputs": inputs or step["inputs"], "outputs": outputs or step["outputs"]}
        same = all(
            {f["name"] for f in declared[role]} == {f["name"] for f in step[role]} for role in ("inputs", "outputs")
        )
        if same:
            return {"steps": [declared]}, False
        inputs, outputs = declared["inputs"], declared["outputs"]
    if inputs is None or outputs is None:
        raise TypeError(f"{name} has {len(predictors)} predictors: say what goes in and out with inputs= and outputs=.")
    told = (module.__doc__ or "").strip().partition("\n")[0] or f"The module that code registers as {name}."
    step = {"name": "program", "module": "Predict", "instructions": told, "inputs": inputs, "outputs": outputs}
    return {"steps": [step]}, True


def of_function(function: Any, signature: Any) -> dict[str, Any]:
    """The program of a function: its signature if one is given, else its annotated parameters and result."""
    if signature is not None:
        return of_signature(signature)
    hints = inspect.get_annotations(function, eval_str=True)
    given = [name for name in inspect.signature(function).parameters if name != "program"]
    inputs = [_field(name, hints.get(name, str)) for name in given]
    told = (function.__doc__ or "").strip() or f"Do what {function.__name__} says."
    outputs = [_field("result", hints.get("return", str))]
    step = {"name": "answer", "module": "Predict", "instructions": told, "inputs": inputs, "outputs": outputs}
    return {"steps": [step]}


def checked(program: dict[str, Any]) -> Program:
    """The program, or a TypeError with what is wrong, where the decorator stands."""
    try:
        return program_from_data(program)
    except ValueError as error:
        raise TypeError(str(error)) from None


def _field(name: str, field: Any) -> dict[str, Any]:
    kind = getattr(field, "annotation", field)
    extra = getattr(field, "json_schema_extra", None) or {}
    described = extra.get("desc", "")
    told = {"description": described} if described and described != f"${{{name}}}" else {}
    return {"name": name, **_type(kind), **told}


def _type(kind: Any) -> dict[str, Any]:
    if get_origin(kind) in (Union, types.UnionType):
        inner = [part for part in get_args(kind) if part is not type(None)]
        kind = inner[0] if len(inner) == 1 else str
    if get_origin(kind) is Literal:
        return {"type": "enum", "options": [str(option) for option in get_args(kind)]}
    if get_origin(kind) is list:
        (item,) = get_args(kind) or (str,)
        if get_origin(item) is Literal:
            return {"type": "list[enum]", "options": [str(option) for option in get_args(item)]}
        return {"type": "list[str]"}
    return {"type": _PLAIN.get(kind, "str")}
