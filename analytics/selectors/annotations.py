"""What happened on the axis of time: promotions, trials, dataset versions, changes of model or metric, notes."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from analytics.models import Incident, Note
from analytics.selectors.periods import Period
from optimizer_app.models import AuditEvent, Dataset, DatasetVersion, Promotion, Worker

MOST = 60


@dataclass(frozen=True)
class Annotation:
    """One event. `kind` is a word for people; `note` the id of a note that can be removed."""

    at: datetime
    kind: str
    text: str
    note: int | None = None


def annotations(worker: Worker, period: Period) -> list[Annotation]:
    """The newest MOST events of the period, oldest first."""
    within = {"created_at__gte": period.start, "created_at__lt": period.end}
    found = [
        Annotation(p.created_at, p.get_kind_display(), f"version {p.version.number}{_why(p)}")
        for p in Promotion.objects.filter(worker=worker, **within).select_related("version")[:MOST]
    ]
    used = Dataset.objects.filter(versions__runs__worker=worker)  # of those that fit, others may be other workers'
    versions = DatasetVersion.objects.filter(dataset__in=used, **within).select_related("dataset")
    found += [Annotation(v.created_at, "Dataset frozen", str(v)) for v in versions.order_by("-id")[:MOST]]
    trials = worker.canaries.filter(**within).select_related("version").defer("version__state")
    found += [Annotation(c.created_at, "On trial", f"version {c.version.number}, {c.share:.0%}") for c in trials[:MOST]]
    changes = AuditEvent.objects.filter(
        object_type="worker", object_id=str(worker.pk), verb="worker.update",
        at__gte=period.start.isoformat(), at__lt=period.end.isoformat(),
    )  # fmt: skip
    found += [Annotation(datetime.fromisoformat(e.at), "Worker changed", _said(e.data)) for e in changes[:MOST]]
    fallen = Incident.objects.filter(worker=worker, noticed_at__gte=period.start, noticed_at__lt=period.end)
    found += [Annotation(i.noticed_at, "Incident", f"{i.signal} fell") for i in fallen[:MOST]]
    notes = Note.objects.filter(Q(worker=worker) | Q(worker=None), at__gte=period.start, at__lt=period.end)
    found += [Annotation(note.at, "Note", f"{note.text} ({note.by})", note.pk) for note in notes[:MOST]]
    return sorted(found, key=lambda one: one.at)[-MOST:]


def metric_changed_at(worker: Worker) -> datetime | None:
    """When the worker's metric was last exchanged for another."""
    changes = AuditEvent.objects.filter(object_type="worker", object_id=str(worker.pk), verb="worker.update")
    newest = next((e for e in changes.iterator() if "metric" in e.data.get("changed", [])), None)
    return datetime.fromisoformat(newest.at) if newest else None


def _why(promotion: Promotion) -> str:
    return f": {promotion.reason[:100]}" if promotion.reason else ""


def _said(data: dict[str, object]) -> str:
    changed = data.get("changed")
    return ", ".join(map(str, changed))[:160] if isinstance(changed, (list, dict)) else "settings"
