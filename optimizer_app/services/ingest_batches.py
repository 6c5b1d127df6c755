"""Ingest batches: what executions measured, on its way to the statistics."""

from collections.abc import Iterable
from typing import Any

import msgspec

from optimizer_app.common.measures import Measure, pack
from optimizer_app.models import Execution, IngestBatch
from optimizer_app.services.execution_rows import Row


def batch_add(measures: Iterable[Measure]) -> None:
    """Leave measures to be absorbed; inside the transaction that stores what was measured."""
    if told := list(measures):
        IngestBatch.objects.create(measures=pack(told))


def measure_of(told: Row | Execution, **instead: Any) -> Measure:
    """What an execution measured, or would have with other numbers."""
    numbers = {name: instead.get(name, getattr(told, name)) for name in _NUMBERS}
    version, at = told.version_id or 0, told.started_at.timestamp()
    return Measure(worker=told.worker_id, version=version, at=at, **numbers)


def correction(execution: Execution, **now: Any) -> list[Measure]:
    """The measures that replace what was counted of an execution; none when the numbers stay the same."""
    before, after = measure_of(execution), measure_of(execution, **now)
    return [] if before == after else [msgspec.structs.replace(before, sign=-1), after]


_NUMBERS = (
    "latency_ms", "tokens_in", "tokens_out", "cost_usd", "success", "error_kind", "path", "score",
)  # fmt: skip
