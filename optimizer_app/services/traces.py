"""Traces become executions: the root span is the call, the spans of language models below it are its cost.

Attributes follow OpenInference (input.value, output.value, llm.token_count.*). The worker is named by the attribute
`uplift.worker` of the root span or resource; else by the service and the program that the spans name.
"""

import re
from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid5

import msgspec
from django.db import transaction

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.measures import Measure
from optimizer_app.common.problems import Refused
from optimizer_app.engine.spec import NAME, RESERVED, RESERVED_INPUTS, RESERVED_OUTPUTS
from optimizer_app.models import Execution, TraceUsage, Worker
from optimizer_app.sdk.payload import ExecutionRecord
from optimizer_app.sdk.transports import Registration
from optimizer_app.services.executions import Receipt, RowError, executions_record
from optimizer_app.services.ingest_batches import batch_add, correction
from optimizer_app.services.otlp import Span
from optimizer_app.services.registration import worker_register

_SPACE = UUID("9b0c1f0e-55c5-4a52-9f0e-3f1d0c6d2a11")  # any constant: a root span always gets the same id
_NAMED = re.compile(r"\w+\((\w+)\)\.")
_GENERIC = {"Predict", "ChainOfThought", "ReAct", "StringSignature"}
MADE_HERE = 5  # the UUID version of executions that are made of traces; the SDK's own have others
MOST_TEXT, MOST_ERROR = 100_000, 10_000


def traces_record(spans: Sequence[Span], *, by: Actor) -> Receipt:
    """Store the executions that the spans tell of; parts of one trace may arrive in any order and more than once."""
    by.require(Capability.RECORD)
    receipt = Receipt()
    calls = [span for span in spans if "llm.model_name" in span.attributes]
    roots = [span for span in spans if not span.parent]
    _usage_keep(calls)
    rows: list[tuple[int, ExecutionRecord]] = []
    usage = _usage_of({span.trace_id for span in roots})
    names = _program_names(spans)
    for number, root in enumerate(roots):
        try:
            rows.append((number, _record(root, names.get(root.trace_id, ""), usage.get(root.trace_id, {}))))
        except (ValueError, OverflowError, OSError, msgspec.ValidationError) as error:
            receipt.errors.append(RowError(number, root.span_id, str(error)))
    _workers_make(rows, receipt, by)
    executions_record(rows, by=by, receipt=receipt)
    _usage_catch_up({span.trace_id for span in calls} - {span.trace_id for span in roots})
    return receipt


def _record(root: Span, program: str, usage: dict[str, Any]) -> ExecutionRecord:
    attributes = root.attributes
    kind = (root.exception or "error")[:100] if root.failed else ""
    told = {
        "id": str(uuid5(_SPACE, f"{root.trace_id}:{root.span_id}")),
        "worker": _worker_name(root, program),
        "started_at": datetime.fromtimestamp(root.start_ns / 1e9, UTC).isoformat(),
        "latency_ms": max(0, root.end_ns - root.start_ns) / 1e6,
        "inputs": _fields(attributes.get("input.value"), "input"),
        "outputs": {} if root.failed else _fields(attributes.get("output.value"), "output"),
        "error": root.message[:MOST_ERROR] if root.failed else "",
        "error_kind": kind,
        "trace_id": root.trace_id[:64],
        "subject": str(attributes.get("user.id", ""))[:200],
        **usage,
    }
    if session := attributes.get("session.id"):
        told["metadata"] = {"session": str(session)[:200]}
    return msgspec.convert(told, ExecutionRecord)


def _worker_name(root: Span, program: str) -> str:
    told = root.attributes.get("uplift.worker") or root.resource.get("uplift.worker")
    if told:
        return str(told)[:100]
    service = str(root.resource.get("openinference.project.name") or root.resource.get("service.name") or "traces")
    name = root.name.removesuffix(".forward").removesuffix(".acall") or "program"
    return f"{service}: {program if name in _GENERIC and program else name}"[:100]


def _program_names(spans: Sequence[Span]) -> dict[str, str]:
    """For each trace, the first signature that a span below names: the root of a bare Predict does not."""
    found: dict[str, str] = {}
    for span in spans:
        match = _NAMED.match(span.name)
        if match and match[1] not in _GENERIC:
            found.setdefault(span.trace_id, match[1])
    return found


def _fields(value: Any, name: str) -> dict[str, Any]:
    if value is None:
        return {}
    text = str(value)[:MOST_TEXT].replace("\0", "")
    try:
        read = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError):
        read = text
    return read if isinstance(read, dict) else {name: read}


def _workers_make(rows: list[tuple[int, ExecutionRecord]], receipt: Receipt, by: Actor) -> None:
    """Workers that are not known yet, with the fields that their first call shows; a failed call shows no outputs."""
    known = set(Worker.objects.filter(name__in={r.worker for _, r in rows}).values_list("name", flat=True))
    for number, record in list(rows):
        if record.worker in known:
            continue
        try:
            worker_register(_registration(record), by=by)
            known.add(record.worker)
        except Refused as refused:
            receipt.errors.append(RowError(number, str(record.id), str(refused)))
            rows.remove((number, record))


def _registration(record: ExecutionRecord) -> Registration:
    def fields(values: dict[str, Any], reserved: frozenset[str], otherwise: str) -> list[dict[str, Any]]:
        names = [name for name in values if NAME.fullmatch(name) and name not in reserved | RESERVED]
        return [{"name": name} for name in names] or [{"name": otherwise}]

    inputs = fields(record.inputs, RESERVED_INPUTS, "input")
    taken = {field["name"] for field in inputs}
    outputs = [f for f in fields(record.outputs, RESERVED_OUTPUTS, "output") if f["name"] not in taken]
    step = {
        "name": "answer", "module": "Predict", "instructions": f"Do what {record.worker} does.",
        "inputs": inputs, "outputs": outputs or [{"name": "result"}],
    }  # fmt: skip
    return Registration(record.worker, "Known by its traces.", {"steps": [step]}, True, "", {}, False)


def _usage_keep(calls: Sequence[Span]) -> None:
    """Remember each call of a language model once, until and beyond the arrival of its root."""
    TraceUsage.objects.bulk_create(
        [
            TraceUsage(
                trace_id=span.trace_id[:64],
                span_id=span.span_id[:32],
                tokens_in=_count(span.attributes.get("llm.token_count.prompt")),
                tokens_out=_count(span.attributes.get("llm.token_count.completion")),
                cost_usd=_cost(span.attributes.get("llm.cost.total")),
                model="/".join(
                    str(span.attributes[k]) for k in ("llm.provider", "llm.model_name") if k in span.attributes
                )[:100],
            )
            for span in calls
        ],
        ignore_conflicts=True,
        batch_size=500,
    )


def _usage_of(traces: set[str]) -> dict[str, dict[str, Any]]:
    """Tokens, cost and model of traces; what no call told stays empty, and one unpriced call leaves no price."""
    calls: dict[str, list[TraceUsage]] = defaultdict(list)
    for usage in TraceUsage.objects.filter(trace_id__in=traces).order_by("id"):
        calls[usage.trace_id].append(usage)
    found = {}
    for trace, parts in calls.items():
        sums: dict[str, Any] = {"model": parts[-1].model}
        for name in ("tokens_in", "tokens_out", "cost_usd"):
            values = [getattr(part, name) for part in parts]
            sums[name] = sum(values) if all(value is not None for value in values) else None
        found[trace] = sums
    return found


def _usage_catch_up(traces: set[str]) -> None:
    """Calls that arrive after their root are added to the execution that was made of that root."""
    late = _usage_of(traces)
    changes: list[Measure] = []
    with transaction.atomic():
        for execution in Execution.objects.filter(trace_id__in=late).defer("body").select_for_update():
            if execution.uid.version == MADE_HERE:
                used = late[execution.trace_id]
                changes += correction(execution, **used)
                Execution.objects.filter(pk=execution.pk).update(**used)
        batch_add(changes)


def _count(value: Any) -> int | None:
    return value if isinstance(value, int) and 0 <= value < 2**31 else None


def _cost(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and 0 <= value < 1e12 else None
