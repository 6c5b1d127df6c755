"""The active version of a worker, in the process that runs it: kept up to date, swapped between calls."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dspy

from optimizer_app.engine.spec import ASSEMBLED, TUNED, Program, program_from_data
from optimizer_app.sdk.arms import in_canary

logger = logging.getLogger("uplift")


@dataclass(frozen=True)
class Version:
    """A version that can be run here. `number` is None until the server has named one."""

    number: int | None
    module: Any = None  # the program, for workers declared as data
    state: Mapping[str, Any] | None = None  # what each predictor learned, for modules of the developer's own
    on_trial: bool = False


@dataclass(frozen=True)
class Canary:
    """A version on trial, and which share of the calls it answers."""

    id: int
    share: float
    version: Version


class ActiveVersion:
    """What answers now. May be asked from any thread; a call keeps the version it began with."""

    def __init__(self, name: str, program: Program | None) -> None:
        self.name, self.program = name, program
        self.current = Version(None, None if program is None else _build(program, {}))
        self.canary: Canary | None = None

    def answering(self, caller: str) -> Version:
        """The version that this caller gets."""
        canary = self.canary
        return canary.version if canary and in_canary(canary.id, canary.share, caller) else self.current

    def take(self, found: Mapping[str, Any]) -> bool:
        """Use what the server names. A version that cannot run here is logged, and the one before goes on."""
        told = found.get("canary")
        try:
            self.current = self._runnable(found, found, on_trial=False)
        except Exception as error:
            logger.error("Version %s of %s cannot run here: %s", found.get("version"), self.name, error)
            return False
        try:
            self.canary = None if told is None else Canary(
                told["id"], told["share"], self._runnable(found, told, on_trial=True)
            )  # fmt: skip
        except Exception as error:
            self.canary = None
            logger.error("The canary of %s cannot run here: %s", self.name, error)
        return True

    def _runnable(self, found: Mapping[str, Any], told: Mapping[str, Any], *, on_trial: bool) -> Version:
        state = told["state"]
        if TUNED in state:
            raise ValueError("it needs a fine-tuned model, which only the server has")
        if self.program is None:
            if ASSEMBLED in state:
                raise ValueError("it is an assembly, which only a program declared as data can be")
            return Version(told["version"], state=state, on_trial=on_trial)
        program = program_from_data(found["program"])
        if _fields(program) != _fields(self.program):
            raise ValueError("the worker of this name on the server has other fields than the code")
        return Version(told["version"], _build(program, state), on_trial=on_trial)


def instructed(module: dspy.Module, state: Mapping[str, Any]) -> None:
    """Give the predictors of a developer's module what a version learned, by their names; the only predictor takes
    the only entry."""
    predictors = dict(module.named_predictors())
    entries = {name: entry for name, entry in state.items() if not name.startswith("@")}
    if len(predictors) == len(entries) == 1:
        entries = dict(zip(predictors, entries.values(), strict=True))
    for name, predictor in predictors.items():
        if name in entries:
            predictor.signature = predictor.signature.with_instructions(entries[name]["instructions"])
            predictor.demos = [dspy.Example(**demo) for demo in entries[name]["demos"]]


def _fields(program: Program) -> tuple[set[str], set[str]]:
    return {field.name for field in program.inputs}, {field.name for field in program.outputs}


def _build(program: Program, state: Mapping[str, Any]) -> Callable[..., Any]:
    from optimizer_app.engine.programs import build

    if program.passages:
        raise ValueError("it retrieves passages, which only the server has")
    built: Callable[..., Any] = build(program, dict(state))
    return built
