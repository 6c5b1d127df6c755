"""What an optimizer is to Uplift: parameters as data, work known beforehand, and a compile function."""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from optimizer_app.engine.parameters import Parameter

if TYPE_CHECKING:
    import dspy

    from optimizer_app.engine.programs import ProgramModule, State

Parameters = Mapping[str, Any]
T = TypeVar("T")


@dataclass(frozen=True)
class Sizes:
    """What the amount of work depends on."""

    train: int
    validation: int
    predictors: int = 1


@dataclass(frozen=True)
class Work:
    """What a compile takes, between low and high; equal where the number is known exactly.

    `low` and `high` are program calls; `proposals` and `reflections` are calls of the proposer and the teacher, as
    (low, high); `serving` is by what factor each later call of the version takes more program calls; `teaching` are
    those of the program calls that the teacher's model makes, where it is another one or `always_taught`.
    """

    low: int
    high: int
    proposals: tuple[int, int] = (0, 0)
    reflections: tuple[int, int] = (0, 0)
    serving: int = 1
    teaching: tuple[int, int] = (0, 0)
    always_taught: bool = False


@dataclass(frozen=True)
class CompileJob:
    """Everything a compile may use. The test split is not part of it.

    `watch` wraps the metric of an optimizer that scores without `dspy.Evaluate`, so that its candidates are seen.
    `best` is the state of the best candidate scored so far on the whole validation split, if any.
    `watchers` are callback objects for GEPA. `artifacts` is where training puts its models.
    """

    module: "ProgramModule"
    train: "list[dspy.Example]"
    validation: "list[dspy.Example]"
    metric: Callable[..., float]
    feedback_metric: "Callable[..., dspy.Prediction]"
    parameters: Parameters
    seed: int
    threads: int
    task: "dspy.LM"
    proposer: "dspy.LM"
    teacher: "dspy.LM"
    separate_teacher: bool
    watch: Callable[[Callable[..., float]], Callable[..., float]]
    best: "Callable[[], State | None]"
    rebuild: "Callable[[State], ProgramModule]"
    artifacts: Path
    watchers: list[Any] = field(default_factory=list)

    @property
    def teacher_settings(self) -> dict[str, Any]:
        """Who makes demonstrations: the teacher, where it is another model than the task's."""
        return {"lm": self.teacher} if self.separate_teacher else {}


@dataclass(frozen=True)
class Optimizer:
    """One entry of the registry. `compile` imports DSPy itself: the registry is read by the web process.

    `changes` says what it may change: "demos", "instructions", "weights". `proposes` and `reflects`: which other
    language models it calls.
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    minimum_train: int
    work: Callable[[Sizes, Parameters], Work]
    compile: "Callable[[CompileJob], ProgramModule]"
    changes: tuple[str, ...] = ("demos",)
    proposes: bool = False
    reflects: bool = False

    @property
    def finetunes(self) -> bool:
        return "weights" in self.changes


def make(kind: Callable[..., T], **arguments: Any) -> T:
    """Construct an optimizer of DSPy, refusing what the installed version does not take.

    Several of them swallow unknown arguments in **kwargs. Raises TypeError that names argument and version.
    """
    import dspy

    known: set[str] = set()
    for parent in getattr(kind, "__mro__", (kind,)):
        if parent is not object and "__init__" in vars(parent):
            known |= {
                name
                for name, parameter in inspect.signature(parent.__init__).parameters.items()
                if parameter.kind is not inspect.Parameter.VAR_KEYWORD
            }
    if unknown := sorted(set(arguments) - known):
        name = getattr(kind, "__name__", str(kind))
        raise TypeError(f"{name} of DSPy {dspy.__version__} takes no {', '.join(unknown)}.")
    return kind(**arguments)
