"""Take in executions: checked, redacted, encrypted, stored; each once, bad ones named, the rest kept."""

import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

import msgspec
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from optimizer_app.common import bodies
from optimizer_app.common.access import Actor, Capability
from optimizer_app.engine.matching import as_text
from optimizer_app.models import ProgramVersion, Worker
from optimizer_app.privacy.detection import PatternTooSlowError
from optimizer_app.privacy.policy import Policy
from optimizer_app.privacy.redaction import DROPPED, Redactor
from optimizer_app.sdk.payload import ExecutionRecord
from optimizer_app.services.collection import Arrival, rules_apply
from optimizer_app.services.execution_rows import Row, rows_insert, tags_insert
from optimizer_app.services.ingest_batches import batch_add, measure_of
from optimizer_app.services.workers import privacy_policy

EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
CLOCK_AHEAD = timedelta(days=1)  # a client's clock may be wrong, but not by more
LABEL_LENGTH = 200


class RowError(NamedTuple):
    """A row that was not stored: its number, counted from 0, its id if it could be read, and why."""

    row: int
    id: str
    detail: str


@dataclass
class Receipt:
    """What became of the rows of one request."""

    accepted: int = 0
    duplicates: int = 0
    errors: list[RowError] = field(default_factory=list)


@dataclass(frozen=True)
class Known:
    """What one batch needs to know of a worker."""

    worker: Worker
    policy: Policy
    label_field: str
    versions: dict[int, int]


def executions_record(rows: Sequence[tuple[int, ExecutionRecord]], *, by: Actor, receipt: Receipt) -> Receipt:
    """Store numbered records in one transaction and note in the receipt what became of each. Once this returns,
    what it accepted survives the death of any process."""
    by.require(Capability.RECORD)
    known = _known({record.worker for _, record in rows})
    latest = timezone.now() + CLOCK_AHEAD
    arrivals: dict[UUID, Arrival] = {}
    for number, record in rows:
        if problem := _problem(record, known, latest):
            receipt.errors.append(RowError(number, str(record.id), problem))
        elif record.id in arrivals:
            receipt.duplicates += 1
        else:
            try:
                arrivals[record.id] = _arrival(record, known[record.worker])
            except PatternTooSlowError as slow:
                receipt.errors.append(RowError(number, str(record.id), f"{slow} Nothing of the row was stored."))
    _store(arrivals, receipt)
    return receipt


def subject_hash(subject: str) -> str:
    """What is stored of a person's identity: enough to find all that is about them, not to say who they are."""
    key = settings.AUDIT_KEY.encode()
    return hmac.new(key, b"subject:" + subject.encode(), hashlib.sha256).hexdigest()[:32] if subject else ""


def _store(arrivals: dict[UUID, Arrival], receipt: Receipt) -> None:
    if not arrivals:
        return
    with transaction.atomic():
        inserted = rows_insert([arrival.row for arrival in arrivals.values()])
        new = [arrival for uid, arrival in arrivals.items() if uid in inserted]
        metadata = {arrival.row.uid: arrival.metadata for arrival in new}
        tags_insert([arrival.row for arrival in new], inserted, metadata)
        rules_apply(new)
        batch_add(measure_of(arrival.row) for arrival in new)
    receipt.accepted += len(new)
    receipt.duplicates += len(arrivals) - len(new)


def _known(names: set[str]) -> dict[str, Known]:
    found = {}
    for worker in Worker.objects.filter(name__in=names).prefetch_related("rules__dataset"):
        program = worker.spec()
        labels = [f.name for f in program.outputs if f.type in ("enum", "bool")]
        versions = dict(ProgramVersion.objects.filter(worker=worker).values_list("number", "id"))
        found[worker.name] = Known(worker, privacy_policy(worker), labels[0] if labels else "", versions)
    return found


def _problem(record: ExecutionRecord, known: dict[str, Known], latest: datetime) -> str:
    if record.worker not in known:
        return f"There is no worker called “{record.worker}”. Register it first."
    if record.version is not None and record.version not in known[record.worker].versions:
        return f"{record.worker} has no version {record.version}."
    if record.started_at.tzinfo is None:
        return "started_at needs a time zone, for example 2026-01-31T12:00:00Z."
    if not EARLIEST <= record.started_at <= latest:
        return f"started_at {record.started_at.isoformat()} lies before 2000 or in the future."
    return ""


def _arrival(record: ExecutionRecord, known: Known) -> Arrival:
    redactor = Redactor(known.policy)
    inputs, outputs, metadata = map(redactor.values, (record.inputs, record.outputs, record.metadata))
    error = redactor.text(record.error) if record.error else ""
    inputs, outputs, metadata, told = map(redactor.again, (inputs, outputs, metadata, {"": error}))
    label = outputs.get(known.label_field, DROPPED)
    failed = bool(record.error or record.error_kind)
    row = Row(
        uid=record.id,
        worker_id=known.worker.pk,
        version_id=None if record.version is None else known.versions[record.version],
        started_at=record.started_at.astimezone(UTC),
        latency_ms=record.latency_ms,
        tokens_in=record.tokens_in,
        tokens_out=record.tokens_out,
        cost_usd=record.cost_usd,
        success=not failed,
        error_kind=(record.error_kind or "error") if failed else "",
        path=record.path,
        model=record.model,
        trace_id=record.trace_id,
        label="" if label == DROPPED else as_text(label)[:LABEL_LENGTH],
        score=record.score,
        subject=subject_hash(record.subject),
        metadata=msgspec.json.encode(metadata).decode(),
        body=bodies.pack(bodies.Body(inputs, outputs, told[""])),
    )
    return Arrival(row, known.worker, record.version, inputs, outputs, metadata)
