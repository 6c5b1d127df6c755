"""What an optimizer is to Uplift: parameters as data, work known beforehand, and a compile function."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from optimizer_app.engine.parameters import Parameter

if TYPE_CHECKING:
    import dspy

    from optimizer_app.engine.programs import ProgramModule

Parameters = Mapping[str, Any]


@dataclass(frozen=True)
class Sizes:
    """What the amount of work depends on."""

    train: int
    validation: int
    predictors: int = 1


@dataclass(frozen=True)
class Work:
    """Program calls of a compile, between these two; equal where the number is known exactly."""

    low: int
    high: int


@dataclass(frozen=True)
class CompileJob:
    """Everything a compile may use. The test split is not part of it."""

    module: "ProgramModule"
    train: "list[dspy.Example]"
    validation: "list[dspy.Example]"
    metric: Callable[..., float]
    feedback_metric: "Callable[..., dspy.Prediction]"
    parameters: Parameters
    seed: int
    threads: int


@dataclass(frozen=True)
class Optimizer:
    """One entry of the registry. `compile` imports DSPy itself: the registry is read by the web process."""

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    minimum_train: int
    work: Callable[[Sizes, Parameters], Work]
    compile: "Callable[[CompileJob], ProgramModule]"
