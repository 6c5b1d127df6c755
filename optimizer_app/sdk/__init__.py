"""For developers: register workers, metrics, optimizers, proposers and tools from code."""

from optimizer_app.sdk.registry import dspy_worker, instruction_proposer, metric, optimizer, tool

__all__ = ["dspy_worker", "instruction_proposer", "metric", "optimizer", "tool"]
