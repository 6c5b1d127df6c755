"""What must hold of what was measured."""

from collections import Counter
from collections.abc import Iterator

from django.db.models import Count, Q, Sum

from analytics.models import Delivery, Incident, Stat, StatState, TriggerDecision
from optimizer_app.common.measures import unpack
from optimizer_app.models import Execution, IngestBatch, Worker
from optimizer_app.services.integrity import Invariant


def measured_invariants() -> Iterator[Invariant]:
    """Every rule, checked now."""
    yield _sums()
    yield _counts()
    yield _incidents()
    yield _deliveries()
    yield _decisions()


def _sums() -> Invariant:
    made = Invariant("A worker's hours add up to its days.")
    found: dict[str, Counter[int]] = {Stat.Size.HOUR: Counter(), Stat.Size.DAY: Counter()}
    rows = Stat.objects.filter(size__in=found).order_by().values_list("size", "worker").annotate(Sum("calls"))
    for size, worker, calls in rows:
        found[size][worker] = calls
    for worker in found[Stat.Size.HOUR] | found[Stat.Size.DAY]:
        made.look(found[Stat.Size.HOUR][worker] == found[Stat.Size.DAY][worker], f"worker {worker}")
    return made


def _counts() -> Invariant:
    """Of workers without retention, once the aggregates are filled."""
    made = Invariant("What is stored of a worker was counted, or is about to be.")
    if StatState.objects.filter(status=StatState.Status.FILLING).exists():
        return made
    days = Stat.objects.filter(size=Stat.Size.DAY).order_by().values_list("worker").annotate(Sum("calls"))
    counted: Counter[int] = Counter(dict(days))
    for batch in IngestBatch.objects.iterator():
        for measure in unpack(bytes(batch.measures)):
            counted[measure.worker] += measure.sign
    stored = dict(Execution.objects.order_by().values_list("worker").annotate(Count("pk")))
    for worker in Worker.objects.filter(retention_days=None, retention_count=None):
        told = f"{worker}: {stored.get(worker.pk, 0):,} stored, {counted[worker.pk]:,} counted"
        made.look(stored.get(worker.pk, 0) <= counted[worker.pk], told)
    return made


def _incidents() -> Invariant:
    made = Invariant("An incident is resolved exactly when it says when.")
    resolved = Q(status=Incident.Status.RESOLVED)
    wrong = Incident.objects.filter(resolved & Q(resolved_at=None) | ~resolved & Q(resolved_at__isnull=False))
    made.checked, made.broken = Incident.objects.count(), [str(incident) for incident in wrong]
    return made


def _deliveries() -> Invariant:
    made = Invariant("A message that was sent says when, and was tried.")
    sent = Delivery.objects.filter(status=Delivery.Status.SENT)
    wrong = sent.filter(Q(sent_at=None) | Q(attempts=0)).select_related("channel")
    made.checked, made.broken = sent.count(), [str(delivery) for delivery in wrong]
    return made


def _decisions() -> Invariant:
    made = Invariant("Every decision that started a run has its run, and no other has.")
    started = TriggerDecision.objects.filter(outcome=TriggerDecision.Outcome.STARTED)
    runs = Counter(started.values_list("run", flat=True))
    for run, decisions in runs.items():
        made.look(run is not None and decisions == 1, f"run {run}: {decisions} decisions")
    return made
