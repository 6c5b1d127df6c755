"""From a program as data to a DSPy module, and its learned state as JSON."""

from typing import Any, Literal

import dspy

from optimizer_app.engine.spec import Field, Program, Step, content_hash

TYPES: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool, "list[str]": list[str]}

State = dict[str, Any]  # step name -> {"instructions": str, "demos": [{field: value}]}


class ProgramModule(dspy.Module):
    """Runs the steps in order; each reads its inputs by name from the inputs and earlier outputs."""

    def __init__(self, program: Program) -> None:
        super().__init__()
        self.program = program
        self.steps = {step.name: _predictor(step) for step in program.steps}

    def forward(self, **inputs: Any) -> dspy.Prediction:
        values = dict(inputs)
        prediction = dspy.Prediction()
        for step in self.program.steps:
            prediction = self.steps[step.name](**{field.name: values[field.name] for field in step.inputs})
            values.update(prediction)
        return prediction


def build(program: Program, state: State | None = None) -> ProgramModule:
    """The module of a program, with its learned instructions and demos where given."""
    module = ProgramModule(program)
    for name, predictor in _predictors(module).items():
        learned = (state or {}).get(name)
        if learned is not None:
            predictor.signature = predictor.signature.with_instructions(learned["instructions"])
            predictor.demos = [dspy.Example(**demo) for demo in learned["demos"]]
    return module


def state_of(module: ProgramModule) -> State:
    """Instructions and demos of each step, as JSON data; nothing else is learned."""
    return {
        name: {
            "instructions": predictor.signature.instructions,
            "demos": [_demo(predictor, demo) for demo in predictor.demos],
        }
        for name, predictor in _predictors(module).items()
    }


def state_hash(program: Program, state: State) -> str:
    """The identity of a program version: its program and what it learned."""
    return content_hash({"program": program.to_data(), "state": state})


def outputs_of(program: Program, prediction: dspy.Prediction) -> dict[str, Any]:
    """The outputs by name. Never attribute access: a field may be called `copy` or `items`."""
    return {field.name: prediction[field.name] for field in program.outputs if field.name in prediction}


def example_of(inputs: dict[str, Any], outputs: dict[str, Any]) -> dspy.Example:
    """A DSPy example with its inputs marked."""
    return dspy.Example(**inputs, **outputs).with_inputs(*inputs)


def _predictor(step: Step) -> dspy.Module:
    fields = {field.name: (_type(field), dspy.InputField(**_description(field))) for field in step.inputs}
    fields |= {field.name: (_type(field), dspy.OutputField(**_description(field))) for field in step.outputs}
    signature = dspy.Signature(fields, step.instructions)
    return dspy.ChainOfThought(signature) if step.module == "ChainOfThought" else dspy.Predict(signature)


def _predictors(module: ProgramModule) -> dict[str, dspy.Predict]:
    return {
        name: step.predict if isinstance(step, dspy.ChainOfThought) else step for name, step in module.steps.items()
    }


def _type(field: Field) -> Any:
    if field.type in ("enum", "list[enum]"):
        options: Any = Literal.__getitem__(field.options)
        return options if field.type == "enum" else list[options]
    return TYPES[field.type]


def _description(field: Field) -> dict[str, str]:
    return {"desc": field.description} if field.description else {}


def _demo(predictor: dspy.Predict, demo: Any) -> dict[str, Any]:
    known = predictor.signature.fields
    return {key: value for key, value in dict(demo).items() if key in known}
