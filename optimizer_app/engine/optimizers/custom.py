"""Optimizers registered from code, as entries of the registry."""

from typing import TYPE_CHECKING, cast

from optimizer_app.engine.optimizers.base import CompileJob, Optimizer, Parameters, Sizes, Work
from optimizer_app.engine.parameters import Parameter
from optimizer_app.sdk.registry import REGISTRY, CodeOptimizer

if TYPE_CHECKING:
    from optimizer_app.engine.programs import ProgramModule


def custom_optimizers() -> list[Optimizer]:
    """Every optimizer that code has registered by now."""
    return [_described(entry) for entry in REGISTRY.optimizers.values()]


def _described(entry: CodeOptimizer) -> Optimizer:
    def work(sizes: Sizes, parameters: Parameters) -> Work:
        low, high = entry.work(sizes, parameters)
        return Work(low, high)

    def compile_(job: CompileJob) -> "ProgramModule":
        return cast("ProgramModule", entry.compile(job))

    return Optimizer(
        entry.name,
        f"{entry.summary} (from code)",
        tuple(Parameter(**parameter) for parameter in entry.parameters),
        entry.minimum_train,
        work,
        compile_,
        changes=("demos", "instructions"),
        proposes=True,
        reflects=True,
    )
