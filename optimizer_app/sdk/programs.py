"""The active version of a worker, in the process that runs it: kept up to date, swapped between calls."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import dspy

from optimizer_app.engine.spec import ASSEMBLED, TUNED, Program, program_from_data

logger = logging.getLogger("uplift")


@dataclass(frozen=True)
class Version:
    """A version that can be run here. `number` is None until the server has named one."""

    number: int | None
    module: Any = None  # the program, for workers declared as data
    state: Mapping[str, Any] | None = None  # what each predictor learned, for modules of the developer's own


class ActiveVersion:
    """What answers now. `current` may be read from any thread; a call keeps the version it began with."""

    def __init__(self, name: str, program: Program | None) -> None:
        self.name, self.program = name, program
        self.current = Version(None, None if program is None else _build(program, {}))

    def take(self, found: Mapping[str, Any]) -> bool:
        """Use a version that the server names. One that cannot run here is logged, and the one before goes on."""
        try:
            state = found["state"]
            if TUNED in state:
                raise ValueError("it needs a fine-tuned model, which only the server has")
            if self.program is None:
                if ASSEMBLED in state:
                    raise ValueError("it is an assembly, which only a program declared as data can be")
                self.current = Version(found["version"], state=state)
            else:
                program = program_from_data(found["program"])
                if _fields(program) != _fields(self.program):
                    raise ValueError("the worker of this name on the server has other fields than the code")
                self.current = Version(found["version"], _build(program, state))
        except Exception as error:
            logger.error("Version %s of %s cannot run here: %s", found.get("version"), self.name, error)
            return False
        return True


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
