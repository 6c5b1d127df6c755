"""What code registers. A browser chooses among these names and can never name anything else.

The modules that register are listed in the setting `CODE_MODULES` and imported once when a process starts.
Nothing here imports DSPy, Django or Celery.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class CodeWorker:
    """A worker whose program is a module class. `inputs` and `outputs` are field data as in a program."""

    name: str
    make: Callable[[], Any]
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    description: str = ""
    metric: str = ""


@dataclass(frozen=True)
class CodeMetric:
    """A metric function: (expected, predicted) or (expected, predicted, step) to a score or (score, feedback)."""

    name: str
    score: Callable[..., Any]
    help: str
    binary: bool


@dataclass(frozen=True)
class CodeOptimizer:
    """A custom optimizer. `compile(job)` returns the optimized module of `job.module`.

    `work(sizes, parameters)` gives (low, high) program calls; the range is what the quote and the progress show.
    """

    name: str
    summary: str
    compile: Callable[[Any], Any]
    work: Callable[[Any, Any], tuple[int, int]]
    parameters: tuple[dict[str, Any], ...] = ()
    minimum_train: int = 2


@dataclass(frozen=True)
class CodeTool:
    """A function that ReAct steps may call. Its docstring and type hints are what the model sees."""

    name: str
    call: Callable[..., Any]


@dataclass
class Registry:
    """Everything registered in this process, by name."""

    workers: dict[str, CodeWorker] = field(default_factory=dict)
    metrics: dict[str, CodeMetric] = field(default_factory=dict)
    optimizers: dict[str, CodeOptimizer] = field(default_factory=dict)
    proposers: dict[str, Callable[[], Any]] = field(default_factory=dict)
    tools: dict[str, CodeTool] = field(default_factory=dict)


REGISTRY = Registry()


def add_worker(entry: CodeWorker) -> None:
    """Register a worker's module. Raises ValueError if its name is taken."""
    _add(REGISTRY.workers, entry.name, entry)


def metric(name: str, *, help: str = "", binary: bool = False) -> Callable[[T], T]:  # noqa: A002 - the word people know
    """Register a metric function. It returns a score in [0, 1], or (score, feedback)."""

    def register(function: T) -> T:
        text = help or (getattr(function, "__doc__", "") or "").strip().partition("\n")[0]
        _add(REGISTRY.metrics, name, CodeMetric(name, function, text, binary))  # type: ignore[arg-type]
        return function

    return register


def optimizer(
    name: str,
    *,
    summary: str,
    work: Callable[[Any, Any], tuple[int, int]],
    parameters: tuple[dict[str, Any], ...] = (),
    minimum_train: int = 2,
) -> Callable[[T], T]:
    """Register a compile function `(job) -> module`; see docs/howto/add-an-optimizer.md for what a job holds."""

    def register(function: T) -> T:
        entry = CodeOptimizer(name, summary, function, work, parameters, minimum_train)  # type: ignore[arg-type]
        _add(REGISTRY.optimizers, name, entry)
        return function

    return register


def instruction_proposer(name: str) -> Callable[[T], T]:
    """Register a class whose instances propose instructions for GEPA (`gepa`'s ProposalFn)."""

    def register(made: T) -> T:
        _add(REGISTRY.proposers, name, made)
        return made

    return register


def tool(name: str) -> Callable[[T], T]:
    """Register a function that ReAct steps may call."""

    def register(function: T) -> T:
        _add(REGISTRY.tools, name, CodeTool(name, function))  # type: ignore[arg-type]
        return function

    return register


def _add(entries: dict[str, Any], name: str, entry: Any) -> None:
    if name in entries:
        raise ValueError(f"“{name}” is registered twice.")
    entries[name] = entry
