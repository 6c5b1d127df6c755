"""The decorators that put a worker under care: `@dspy_worker` and `@dspy_worker_optimized`.

What is decorated stays what it was. A signature class or text becomes a callable; a function and a `dspy.Module`
class keep their own bodies and run the active program version; every call is recorded.
"""

import functools
import inspect
import logging
from collections.abc import Callable
from typing import Any

import dspy

from optimizer_app.sdk import declarations
from optimizer_app.sdk.collecting import Collector, collector
from optimizer_app.sdk.degradation import Degradation, Guard
from optimizer_app.sdk.programs import ActiveVersion, Version, instructed
from optimizer_app.sdk.recording import Call
from optimizer_app.sdk.registry import CodeWorker, add_worker
from optimizer_app.sdk.transports import Registration

logger = logging.getLogger("uplift")
TRIGGERS = ("manual", "schedule", "degradation", "examples")
Fields = list[dict[str, Any]]


def dspy_worker(
    name: str,
    *,
    inputs: Fields | None = None,
    outputs: Fields | None = None,
    description: str = "",
    metric: str = "",
    signature: Any = None,
    degradation: Degradation | None = None,
) -> Callable[[Any], Any]:
    """A worker that is recorded and runs its active version; optimized when a person says so."""
    return dspy_worker_optimized(
        name, signature, auto_collect_training=False, metric=metric, inputs=inputs, outputs=outputs,
        description=description, degradation=degradation,
    )  # fmt: skip


def dspy_worker_optimized(
    worker_type: str,
    signature: Any = None,
    optimizer: str = "MIPROv2",
    optimization_trigger: str = "manual",
    auto_collect_training: bool = True,
    metric: str | Callable[..., Any] | None = None,
    *,
    inputs: Fields | None = None,
    outputs: Fields | None = None,
    description: str = "",
    degradation: Degradation | None = None,
    **optimizer_kwargs: Any,
) -> Callable[[Any], Any]:
    """Put a worker called `worker_type` under care.

    Decorates a DSPy signature class (gives a callable), a `dspy.Module` class (gives a subclass), or a function. A
    function with a parameter `program` is given the active program there; one without is only recorded. `signature`
    (a text or class) describes a function's program; without it, annotations do. `metric` names a metric of the server
    or a registered one; `optimizer` and its keyword arguments are what the launch form begins with;
    `auto_collect_training` sends good answers to the review queue. Raises TypeError for what cannot be a worker.
    """
    if optimization_trigger not in TRIGGERS:
        raise TypeError(f"optimization_trigger is one of {', '.join(TRIGGERS)}, not “{optimization_trigger}”.")

    def decorate(made: Any) -> Any:
        told = description or (getattr(made, "__doc__", "") or "").strip().partition("\n")[0]
        program, runs, stand_in = _declared(made, worker_type, signature, inputs, outputs)
        checked = declarations.checked(program)
        if inspect.isclass(made) and issubclass(made, dspy.Module) and inputs and outputs:
            named = metric if isinstance(metric, str) else ""
            add_worker(CodeWorker(worker_type, made, inputs, outputs, told, named))
        registration = Registration(
            name=worker_type,
            description=told,
            program=checked.to_data(),
            stand_in=stand_in,
            metric=metric if isinstance(metric, str) else getattr(metric, "__name__", ""),
            optimization={"optimizer": optimizer, "parameters": optimizer_kwargs, "trigger": optimization_trigger},
            collect=auto_collect_training,
        )
        care = Care(registration, ActiveVersion(worker_type, checked if runs else None), degradation)
        return _wrapped(made, care)

    return decorate


class Care:
    """What surrounds the calls of one worker: its version, its guard, the record."""

    def __init__(self, registration: Registration, active: ActiveVersion, degradation: Degradation | None) -> None:
        self.registration, self.active = registration, active
        self.guard = Guard(degradation) if degradation else None
        self.output_names = [field["name"] for field in registration.program["steps"][-1]["outputs"]]
        self._registered: object = None

    def begin(self, inputs: dict[str, Any]) -> tuple[Call, Version]:
        """A call of the version that is active now. The first one makes the worker known."""
        to: Collector | None = None
        try:
            to = collector()
            if to is not None and self._registered is not to:
                self._registered = to
                to.register(self.registration, self.active.take)
        except Exception:  # a wrong address or a folder that cannot be written must not stop the worker
            logger.exception("Calls of %s cannot be recorded.", self.registration.name)
        call = Call(to, self.registration.name, inputs)
        version = self.active.answering(call.caller) if self.active.canary else self.active.current
        call.version = version.number
        return call, version

    def run(self, inputs: dict[str, Any], work: Callable[[Version], Any]) -> Any:
        """Call, guarded and recorded."""
        call, version = self.begin(inputs)
        with call:
            if self.guard is None:
                result = work(version)
            else:
                kept: list[Any] = []

                def answer() -> dict[str, Any]:
                    kept.append(work(version))
                    return self.outputs(kept[-1])

                said, call.path = self.guard.run(answer, inputs)
                result = kept[-1] if call.path == "program" else self.result(said)
            self._note(call, result)
        return result

    async def arun(self, inputs: dict[str, Any], work: Callable[[Version], Any]) -> Any:
        """As `run`, for coroutines."""
        call, version = self.begin(inputs)
        with call:
            if self.guard is None:
                result = await work(version)
            else:
                kept: list[Any] = []

                async def answer() -> dict[str, Any]:
                    kept.append(await work(version))
                    return self.outputs(kept[-1])

                said, call.path = await self.guard.arun(answer, inputs)
                result = kept[-1] if call.path == "program" else self.result(said)
            self._note(call, result)
        return result

    def _note(self, call: Call, result: Any) -> None:
        try:
            call.outputs = self.outputs(result)
        except Exception:
            logger.exception("The outputs of %s could not be read for the record.", self.registration.name)

    def outputs(self, result: Any) -> dict[str, Any]:
        """The outputs by name, from a prediction, a mapping or a plain value."""
        if isinstance(result, dspy.Prediction):
            return {name: result[name] for name in self.output_names if name in result}
        if isinstance(result, dict):
            return result
        return {self.output_names[0]: result}

    def result(self, outputs: Any) -> Any:
        """What a static path or a fallback said, in the form that the program gives it."""
        return dspy.Prediction(**outputs) if isinstance(outputs, dict) else outputs


class SignatureWorker:
    """A signature under care: `worker(message="…")` gives a prediction, `await worker.acall(…)` too."""

    def __init__(self, signature: Any, care: Care) -> None:
        self.signature, self.care = signature, care
        functools.update_wrapper(self, signature, updated=())

    def __call__(self, **inputs: Any) -> Any:
        return self.care.run(inputs, lambda version: version.module(**inputs))

    async def acall(self, **inputs: Any) -> Any:
        return await self.care.arun(inputs, lambda version: dspy.asyncify(version.module)(**inputs))


def _declared(
    made: Any, name: str, signature: Any, inputs: Fields | None, outputs: Fields | None
) -> tuple[dict[str, Any], bool, bool]:
    """The program as data, whether it is run from that data, and whether it is only a stand-in."""
    if inspect.isclass(made) and issubclass(made, dspy.Signature):
        return declarations.of_signature(made), True, False
    if inspect.isclass(made) and issubclass(made, dspy.Module):
        program, stand_in = declarations.of_module(made(), name, inputs, outputs)
        return program, False, stand_in
    if not callable(made):
        raise TypeError(f"{made!r} is neither a signature, a dspy.Module class nor a function.")
    takes_program = "program" in inspect.signature(made).parameters
    if signature is not None and not takes_program and not inspect.isclass(made):
        raise TypeError(f"{name}: a function with a signature= takes the active program in a parameter `program`.")
    chosen = dspy.Signature(signature) if isinstance(signature, str) else signature
    if inputs is not None and outputs is not None:
        told = (made.__doc__ or "").strip() or f"Do what {name} says."
        step = {"name": "answer", "module": "Predict", "instructions": told, "inputs": inputs, "outputs": outputs}
        return {"steps": [step]}, takes_program, not takes_program
    return declarations.of_function(made, chosen), takes_program, not takes_program


def _wrapped(made: Any, care: Care) -> Any:
    if inspect.isclass(made) and issubclass(made, dspy.Signature):
        return SignatureWorker(made, care)
    if inspect.isclass(made):
        return _module_under_care(made, care)
    return _function_under_care(made, care)


def _function_under_care(function: Callable[..., Any], care: Care) -> Callable[..., Any]:
    shape = inspect.signature(function)
    takes_program = "program" in shape.parameters
    outside = shape.replace(parameters=[p for name, p in shape.parameters.items() if name != "program"])

    names = outside.parameters.keys()
    simple = all(p.kind == inspect.Parameter.POSITIONAL_OR_KEYWORD for p in outside.parameters.values())

    def inputs_of(args: Any, kwargs: Any) -> dict[str, Any]:
        if not args and kwargs.keys() == names:  # the usual calls; binding takes 8 µs
            return dict(kwargs)
        if simple and not kwargs and len(args) == len(names):
            return dict(zip(names, args, strict=True))
        bound = outside.bind(*args, **kwargs)
        bound.apply_defaults()
        return dict(bound.arguments)

    def given(version: Version) -> dict[str, Any]:
        return {"program": version.module} if takes_program else {}

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def acall(*args: Any, **kwargs: Any) -> Any:
            inputs = inputs_of(args, kwargs)
            return await care.arun(inputs, lambda version: function(**inputs, **given(version)))

        wrapped: Any = acall
    else:

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            inputs = inputs_of(args, kwargs)
            return care.run(inputs, lambda version: function(**inputs, **given(version)))

        wrapped = call
    wrapped.care = care
    return wrapped  # type: ignore[no-any-return]


def _module_under_care(made: Any, care: Care) -> Any:
    """A subclass whose calls are recorded and whose predictors follow the active version."""

    names = [name for name in inspect.signature(made.forward).parameters if name != "self"]

    def inputs_of(args: Any, kwargs: Any) -> dict[str, Any]:
        return {**dict(zip(names, args, strict=False)), **kwargs}

    class UnderCare(made):  # type: ignore[misc]
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            def work(version: Version) -> Any:
                return super(UnderCare, _following(self, version)).__call__(*args, **kwargs)

            return care.run(inputs_of(args, kwargs), work)

        async def acall(self, *args: Any, **kwargs: Any) -> Any:
            def work(version: Version) -> Any:
                return super(UnderCare, _following(self, version)).acall(*args, **kwargs)

            return await care.arun(inputs_of(args, kwargs), work)

    for kept in ("__name__", "__qualname__", "__module__", "__doc__"):
        setattr(UnderCare, kept, getattr(made, kept))
    UnderCare.care = care
    return UnderCare


def _following(module: dspy.Module, version: Version) -> dspy.Module:
    """The module with what the version learned; for one on trial a copy, because both answer at the same time."""
    if version.state is None:
        return module
    if version.on_trial:
        kept: tuple[int | None, dspy.Module] | None = module.__dict__.get("_uplift_trial")
        if kept is None or kept[0] != version.number:
            copy = module.deepcopy()
            instructed(copy, version.state)
            kept = module.__dict__["_uplift_trial"] = (version.number, copy)
        return kept[1]
    if module.__dict__.get("_uplift_version") != version.number:
        instructed(module, version.state)
        module.__dict__["_uplift_version"] = version.number
    return module
