"""Deletion: by age and number, and of what is about one person or one execution."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.models import (
    Example,
    ExampleScore,
    Execution,
    ReviewItem,
    TraceUsage,
    Worker,
)
from optimizer_app.services import audit
from optimizer_app.services.executions import subject_hash
from optimizer_app.services.partitions import parts_drop

TRACES_WAIT = timedelta(hours=1)
BATCH = 2_000  # rows a transaction: SQLite has one writer, and ingest must get its turn


@dataclass(frozen=True)
class Erased:
    """What was erased. `frozen` counts examples that keep their place and hash in frozen versions, without content."""

    executions: int
    review_items: int
    examples: int
    frozen: int


def retention_apply() -> int:
    """Delete executions that are past their worker's limits; how many. Aggregates of the past stay."""
    TraceUsage.objects.filter(created_at__lt=timezone.now() - TRACES_WAIT).delete()
    deleted = parts_drop()
    limited = Worker.objects.exclude(retention_days=None, retention_count=None)
    for worker in limited:
        deleted += _delete_until_none(worker)
    return deleted


def erase(*, by: Actor, subject: str = "", execution_uid: UUID | None = None) -> Erased:
    """Erase everything about a person, or everything that came of one execution: executions, what waits for review,
    examples. Frozen versions keep hash and number of their examples; the erased ones are marked and hold nothing."""
    by.require(Capability.ADMIN)
    if bool(subject) == (execution_uid is not None):
        raise Refused("Name a person or an execution, one of them.")
    hashed = subject_hash(subject)
    about = Q(subject=hashed) if subject else Q(execution_uid=execution_uid)
    executions = Execution.objects.filter(Q(subject=hashed) if subject else Q(uid=execution_uid))
    with transaction.atomic():
        if subject:
            about |= Q(execution_uid__in=executions.values("uid"))
        examples, waiting = Example.objects.filter(about, erased_at=None), ReviewItem.objects.filter(about)
        one = executions.first() or examples.first() or waiting.first()
        if one is None:
            raise Refused("Nothing is stored about that.")
        frozen = _empty(examples)
        loose, _ = examples.delete()
        items, _ = waiting.delete()
        gone = _delete(executions)
        counts = {"executions": gone, "review_items": items, "examples": loose, "frozen": frozen}
        audit.record(by, "data.erase", one, subject=hashed[:8], **counts)
    return Erased(**counts)


def _empty(examples: QuerySet[Example]) -> int:
    """Take the content out of examples that frozen versions hold, and out of what was predicted for them."""
    kept = list(examples.filter(memberships__isnull=False).distinct().values_list("pk", flat=True))
    Example.objects.filter(pk__in=kept).update(
        inputs={}, outputs={}, subject="", execution_uid=None, source="erased", origin={}, erased_at=timezone.now()
    )
    ExampleScore.objects.filter(example__in=kept).update(detail={"outputs": {}, "feedback": "", "error": "erased"})
    return len(kept)


def _delete_until_none(worker: Worker) -> int:
    deleted = 0
    while pks := _past_limits(worker):
        with transaction.atomic():
            deleted += _delete(Execution.objects.filter(pk__in=pks))
    return deleted


def _past_limits(worker: Worker) -> list[int]:
    stored = Execution.objects.filter(worker=worker)
    past: list[int] = []
    if worker.retention_days is not None:
        oldest = timezone.now() - timedelta(days=worker.retention_days)
        past = list(stored.filter(started_at__lt=oldest).order_by("started_at").values_list("pk", flat=True)[:BATCH])
    if not past and worker.retention_count is not None:
        beyond = stored.order_by("-started_at", "-id")[worker.retention_count : worker.retention_count + BATCH]
        past = list(beyond.values_list("pk", flat=True))
    return past


def _delete(executions: QuerySet[Execution]) -> int:
    """With what hangs on them; how many executions. Locked first, so that no feedback comes in between."""
    pks = list(executions.select_for_update().order_by("pk").values_list("pk", flat=True))
    _, by_model = Execution.objects.filter(pk__in=pks).delete()
    return by_model.get(Execution._meta.label, 0)
