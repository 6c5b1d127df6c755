"""Executions as clients send them."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid5

from optimizer_app.common.access import SYSTEM
from optimizer_app.models import Execution, Worker
from optimizer_app.sdk.payload import ExecutionRecord
from optimizer_app.services.executions import Receipt, executions_record

START = datetime(2026, 11, 1, 12, tzinfo=UTC)
_SPACE = UUID(int=7)
_numbers = itertools.count(1)


def record(worker: Worker, /, **changes: Any) -> ExecutionRecord:
    """A call of the routing worker; every one has an id, a time and a message of its own."""
    number = next(_numbers)
    values: dict[str, Any] = {
        "id": uuid5(_SPACE, str(number)),
        "worker": worker.name,
        "started_at": START + timedelta(seconds=number),
        "inputs": {"message": f"invoice {number} is wrong"},
        "outputs": {"team": "K1"},
        "version": 0,
        "latency_ms": 120.5,
        "tokens_in": 200,
        "tokens_out": 10,
        "cost_usd": 0.001,
        "model": "openai/gpt",
    }
    return ExecutionRecord(**(values | changes))


def recorded(worker: Worker, *records: ExecutionRecord) -> Receipt:
    """Store the records, as the ingest API does."""
    return executions_record(list(enumerate(records)), by=SYSTEM, receipt=Receipt())


def execution(worker: Worker, /, **changes: Any) -> Execution:
    """A stored execution."""
    made = record(worker, **changes)
    receipt = recorded(worker, made)
    assert receipt.accepted == 1, receipt
    return Execution.objects.get(uid=made.id)
