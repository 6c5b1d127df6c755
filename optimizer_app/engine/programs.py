"""From a program as data to a DSPy module, and its learned state as JSON."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal

import dspy

from optimizer_app.engine.retrieval import Passages, Retriever
from optimizer_app.engine.spec import ASSEMBLED, TUNED, Field, Program, Step, content_hash, program_from_data
from optimizer_app.engine.tools import tools
from optimizer_app.sdk.registry import REGISTRY

TYPES: dict[str, Any] = {"str": str, "int": int, "float": float, "bool": bool, "list[str]": list[str]}

State = dict[str, Any]  # predictor -> {"instructions": str, "demos": [{field: value}]}, and the keys of spec.py


class ProgramModule(dspy.Module):
    """Runs the steps in order; each reads its inputs by name from the inputs and earlier outputs."""

    def __init__(self, program: Program, passages: Mapping[str, Passages] | None = None) -> None:
        super().__init__()
        self.program = program
        self.passages = passages or {}
        self.tuned: dict[str, str] = {}
        self.steps = _steps(program, self.passages)

    def forward(self, **inputs: Any) -> dspy.Prediction:
        # Who watches hears of the program call as a whole: DSPy's callbacks around each part take 0.1 ms apiece.
        with dspy.context(callbacks=[]):
            return self.run(inputs, {})

    def run(self, inputs: Mapping[str, Any], demos: Mapping[str, list[Any]]) -> dspy.Prediction:
        """One pass; `demos` take the place of a step's own."""
        values = dict(inputs)
        made: dict[str, Any] = {}
        for step in self.program.steps:
            given = {field.name: values[field.name] for field in step.inputs}
            if step.name in demos:
                given["demos"] = demos[step.name]
            made |= dict(self.steps[step.name](**given))
            values |= made
        return dspy.Prediction(**made)


class CodeModule(ProgramModule):
    """A program registered from code: its own module does the work."""

    def __init__(self, program: Program, passages: Mapping[str, Passages] | None = None) -> None:
        super().__init__(program, passages)
        self.inner = code_module(program.code)

    def run(self, inputs: Mapping[str, Any], demos: Mapping[str, list[Any]]) -> dspy.Prediction:
        return self.inner(**inputs)


def code_module(name: str) -> dspy.Module:
    """A fresh module of a registered worker. Raises LookupError if no code registers it any more."""
    if name not in REGISTRY.workers:
        raise LookupError(f"No code registers the worker “{name}”; see the setting CODE_MODULES.")
    return REGISTRY.workers[name].make()


def describe_code(name: str) -> Program:
    """The program of a registered worker: what goes in and out, and how many predictors its module has."""
    entry = REGISTRY.workers[name]
    parts = len(list(code_module(name).named_predictors()))
    step = {
        "name": "program",
        "module": "Predict",
        "instructions": entry.description or f"The module that code registers as {name}.",
        "inputs": entry.inputs,
        "outputs": entry.outputs,
    }
    return program_from_data({"steps": [step], "code": name, "parts": parts})


def build(program: Program, state: State | None = None, passages: Mapping[str, Passages] | None = None) -> Any:
    """The module of a program, with what it learned where given."""
    module = CodeModule(program, passages) if program.code else ProgramModule(program, passages)
    learned = state or {}
    for name, predictor in predictors(module).items():
        if name in learned:
            predictor.signature = predictor.signature.with_instructions(learned[name]["instructions"])
            predictor.demos = [dspy.Example(**demo) for demo in learned[name]["demos"]]
    module.tuned = learned.get(TUNED, {})
    if ASSEMBLED in learned:
        from optimizer_app.engine.assemblies import assemble  # an assembly is made of modules built here

        return assemble(module, learned[ASSEMBLED])
    return module


def state_of(module: ProgramModule) -> State:
    """What the module learned, as JSON data: instructions, demos, a tuned model, an assembly."""
    state: State = {
        name: {
            "instructions": predictor.signature.instructions,
            "demos": [_demo(predictor, demo) for demo in predictor.demos],
        }
        for name, predictor in predictors(module).items()
    }
    if tuned := _tuned(module):
        state[TUNED] = tuned
    if assembled := getattr(module, "assembled", None):
        state[ASSEMBLED] = assembled
    return state


def state_hash(program: Program, state: State) -> str:
    """The identity of a program version: its program and what it learned."""
    return content_hash({"program": program.to_data(), "state": state})


def predictors(module: ProgramModule) -> dict[str, dspy.Predict]:
    """The predictors by name: the step's, or step.act and step.answer for ReAct; for code, the module's own names."""
    if isinstance(module, CodeModule):
        return dict(module.inner.named_predictors())
    found: dict[str, dspy.Predict] = {}
    for name, step in module.steps.items():
        if isinstance(step, dspy.ReAct):
            found |= {f"{name}.act": step.react, f"{name}.answer": step.extract.predict}
        elif isinstance(step, dspy.ChainOfThought):
            found[name] = step.predict
        elif isinstance(step, dspy.Predict):
            found[name] = step
    return found


def outputs_of(program: Program, prediction: dspy.Prediction) -> dict[str, Any]:
    """The outputs by name. Never attribute access: a field may be called `copy` or `items`."""
    return {field.name: prediction[field.name] for field in program.outputs if field.name in prediction}


def example_of(inputs: dict[str, Any], outputs: dict[str, Any]) -> dspy.Example:
    """A DSPy example with its inputs marked."""
    return dspy.Example(**inputs, **outputs).with_inputs(*inputs)


def signature_of(inputs: Iterable[Field], outputs: Iterable[Field], instructions: str) -> Any:
    """A DSPy signature from checked fields; never from a string."""
    fields = {field.name: (_type(field), dspy.InputField(**_description(field))) for field in inputs}
    fields |= {field.name: (_type(field), dspy.OutputField(**_description(field))) for field in outputs}
    return dspy.Signature(fields, instructions)


def _steps(program: Program, passages: Mapping[str, Passages]) -> dict[str, dspy.Module]:
    return {} if program.code else {step.name: _module(step, passages) for step in program.steps}


def _module(step: Step, passages: Mapping[str, Passages]) -> dspy.Module:
    if step.module == "Retrieve":
        return Retriever(step, passages[step.passages])
    signature = signature_of(step.inputs, step.outputs, step.instructions)
    if step.module == "ReAct":
        return dspy.ReAct(signature, tools=_tools(step), max_iters=step.turns)
    return dspy.ChainOfThought(signature) if step.module == "ChainOfThought" else dspy.Predict(signature)


def _tools(step: Step) -> list[dspy.Tool]:
    known = tools()
    if missing := [name for name in step.tools if name not in known]:
        raise LookupError(f"Step {step.name} calls tools that no code registers: {', '.join(missing)}.")
    return [dspy.Tool(known[name], name=name) for name in step.tools]


def _tuned(module: ProgramModule) -> dict[str, str]:
    """The fine-tuned model that the predictors hold, or that the module was built with."""
    for predictor in predictors(module).values():
        lm = predictor.lm
        if lm is not None and lm.model != lm.connection.model:
            return {"model": lm.model, "artifact": lm.model.partition("/ft-")[2]}
    return module.tuned


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
