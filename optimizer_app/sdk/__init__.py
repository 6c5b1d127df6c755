"""For developers: put workers under care, and register metrics, optimizers, proposers and tools from code.

Importing this loads neither Django nor Celery; DSPy is loaded when the first decorator is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from optimizer_app.sdk.registry import instruction_proposer, metric, optimizer, tool

if TYPE_CHECKING:
    from optimizer_app.sdk.collecting import Collector, collector, configure
    from optimizer_app.sdk.decorators import dspy_worker, dspy_worker_optimized
    from optimizer_app.sdk.degradation import Degradation, latency_budget
    from optimizer_app.sdk.recording import about, feedback, last_execution

__all__ = [
    "Collector", "Degradation", "about", "collector", "configure", "dspy_worker", "dspy_worker_optimized", "feedback",
    "instruction_proposer", "last_execution", "latency_budget", "metric", "optimizer", "tool",
]  # fmt: skip
_PLACES = {
    "Collector": "collecting", "collector": "collecting", "configure": "collecting", "Degradation": "degradation",
    "latency_budget": "degradation", "dspy_worker": "decorators", "dspy_worker_optimized": "decorators",
    "about": "recording", "feedback": "recording", "last_execution": "recording",
}  # fmt: skip


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(name)
    return getattr(import_module(f"optimizer_app.sdk.{_PLACES[name]}"), name)
