"""Events of the audit chain that people and programs outside want to hear of, by topic."""

from collections.abc import Collection, Sequence
from typing import Any

from django.db.models import Max, QuerySet

from analytics.models import Incident
from optimizer_app.models import AuditEvent, Canary, ProgramVersion, Run, Worker

INCIDENTS = "incidents"
NEWS: dict[str, tuple[str, ...]] = {
    "runs": ("run.create", "run.finish"),
    "versions": (
        "version.propose", "version.promotion", "version.rollback", "canary.start", "canary.finish",
    ),
}  # fmt: skip
TOPICS: dict[str, tuple[str, ...]] = {
    INCIDENTS: ("incident.open", "incident.acknowledge", "incident.resolve"), **NEWS,
}  # fmt: skip


def events_after(number: int, topics: Collection[str]) -> QuerySet[AuditEvent]:
    """Events of some topics behind a number, in their order."""
    verbs = [verb for topic in topics for verb in TOPICS[topic]]
    return AuditEvent.objects.filter(number__gt=number, verb__in=verbs).order_by("number")


def seen_among(events: Sequence[AuditEvent]) -> list[AuditEvent]:
    """Those about what the asker sees (common/ownership.py)."""
    ids: dict[str, set[str]] = {}
    for event in events:
        ids.setdefault(event.object_type, set()).add(event.object_id)
    seen = {
        (kind, str(pk))
        for kind, pks in ids.items()
        for pk in _ABOUT[kind].objects.filter(pk__in=pks).values_list("pk", flat=True)
    }
    return [event for event in events if (event.object_type, event.object_id) in seen]


_ABOUT: dict[str, Any] = {
    str(model._meta.verbose_name): model for model in (Run, ProgramVersion, Canary, Incident, Worker)
}


def newest_number() -> int:
    """Of the last event in the chain; 0 before the first."""
    return AuditEvent.objects.aggregate(newest=Max("number"))["newest"] or 0


def worker_of(event: AuditEvent) -> int | None:
    """The id of the worker that an event of NEWS is about."""
    found: dict[str, QuerySet[Run] | QuerySet[ProgramVersion] | QuerySet[Canary]] = {
        "run": Run.objects.all(), "version": ProgramVersion.objects.all(), "canary": Canary.objects.all(),
    }  # fmt: skip
    return found[event.object_type].filter(pk=event.object_id).values_list("worker", flat=True).first()
