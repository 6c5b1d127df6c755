"""Incidents: opened by a detector, followed until the level is back or a person decides."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from analytics.compute.detection import Recovery
from analytics.compute.signals import Signal, Watch
from analytics.models import Delivery, Incident, IncidentNote, Monitor
from analytics.services.deliveries import deliveries_queue
from optimizer_app import jobs
from optimizer_app.common.access import SYSTEM, Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.common.queue import enqueue
from optimizer_app.models import Execution, Worker
from optimizer_app.services import audit

Status, Severity = Incident.Status, Incident.Severity
VERDICTS = {
    "real": "It was real", "false alarm": "It was a false alarm", "new normal": "The new level is normal",
}  # fmt: skip
LONGEST_SNOOZE = timedelta(days=30)
LONGEST_NOTE = 2_000
QUALITY = ("success", "score")
TOGETHER = timedelta(minutes=15)
TWICE = 2.0
CORRECTED_AFTER = 200  # values after the alarm from which on their mean is the better estimate


def incident_open(monitor: Monitor, signal: Signal, watch: Watch, at: datetime) -> Incident:
    """Open an incident at a detector's alarm. Inside the caller's transaction."""
    detector = watch.detector
    evidence = {
        "baseline": detector.mean, "level": detector.recent, "count": detector.pn, "delta": detector.delta,
        "promise": detector.gamma, "scale": msgspec.to_builtins(watch.scale),
    }  # fmt: skip
    severity = Severity.CRITICAL if signal in QUALITY else Severity.WARNING
    return incident_begin(
        monitor.worker, monitor.version, signal, severity=severity, evidence=evidence, noticed_at=at,
        began_at=_began(monitor, detector.pn, at),
        recovery=msgspec.to_builtins(Recovery(detector.mean, detector.delta)),
    )  # fmt: skip


def incident_begin(
    worker: Worker, version: int, signal: str, *, severity: str, evidence: dict[str, Any], noticed_at: datetime,
    began_at: datetime, recovery: dict[str, Any] | None = None,
) -> Incident:  # fmt: skip
    """Open an incident; the one of this signal that is open already stays. Inside the caller's transaction."""
    incident, created = Incident.objects.get_or_create(
        worker=worker, version=version, signal=signal, status__in=(Status.OPEN, Status.ACKNOWLEDGED),
        defaults={
            "status": Status.OPEN, "severity": severity, "noticed_at": noticed_at, "began_at": began_at,
            "evidence": evidence, "recovery": recovery or {}, "part_of": _outage(worker),
        },
    )  # fmt: skip
    if created:
        audit.record(SYSTEM, "incident.open", incident, worker=worker.name, signal=signal)
        enqueue(jobs.INCIDENT, incident_id=incident.pk)
        deliveries_queue(incident, Delivery.Event.OPENED)
    return incident


def incident_worsen(incident: Incident, why: str) -> None:
    """It is critical now, and that is told. Inside the caller's transaction."""
    incident.severity = Severity.CRITICAL
    Incident.objects.filter(pk=incident.pk).update(severity=Severity.CRITICAL)
    _note(incident, SYSTEM, why)
    deliveries_queue(incident, Delivery.Event.WORSE)


def incident_recover(incident: Incident, why: str) -> None:
    """What it was about is well again."""
    with transaction.atomic():
        locked = Incident.objects.select_for_update().get(pk=incident.pk)
        if locked.status != Status.RESOLVED:
            _resolve(locked, SYSTEM, why)


class Following:
    """An open incident while values arrive, locked; `save` stores how far it is."""

    def __init__(self, incident: Incident) -> None:
        self.incident = incident
        self.recovery = msgspec.convert(incident.recovery, Recovery)

    def back(self, value: float) -> bool:
        """Take a value after the alarm; True once the level is back, which resolves the incident."""
        back = self.recovery.update(value)
        if self.recovery.n == CORRECTED_AFTER:
            told = {"corrected_level": self.recovery.mean, "corrected_count": self.recovery.n}
            self.incident.evidence = {**self.incident.evidence, **told}
            self._worsen()
        if back:
            self.save()
            _resolve(self.incident, SYSTEM, f"The level is back: {self.recovery.n} values since the alarm.")
        return back

    def _worsen(self) -> None:
        """Told again where the better estimate of the drop is twice the first."""
        told = self.incident.evidence
        first, better = (told["baseline"] - (told[key] or 0.0) for key in ("level", "corrected_level"))
        if first > 0 and better >= TWICE * first:
            incident_worsen(self.incident, f"The drop is {better / first:.1f} times what it was at the alarm.")

    def save(self) -> None:
        self.incident.recovery = msgspec.to_builtins(self.recovery)
        self.incident.save(update_fields=["recovery", "evidence"])


def incident_following(monitor: Monitor, signal: Signal) -> Following | None:
    """The open incident of a signal; None when a person has closed it. Inside the caller's transaction."""
    found = Incident.objects.select_for_update().filter(
        worker=monitor.worker_id, version=monitor.version, signal=signal
    )  # fmt: skip
    incident = found.exclude(status=Status.RESOLVED).first()
    return Following(incident) if incident else None


def incident_acknowledge(incident: Incident, *, by: Actor) -> None:
    """Somebody looks at it."""
    by.require(Capability.OPERATE)
    with transaction.atomic():
        if not Incident.objects.filter(pk=incident.pk, status=Status.OPEN).update(status=Status.ACKNOWLEDGED):
            raise Conflict("This incident is not open any more.")
        _note(incident, by, "Acknowledged.")
        audit.record(by, "incident.acknowledge", incident)


def incident_resolve(incident: Incident, *, by: Actor, verdict: str) -> None:
    """A person closes it and says what it was. After a false alarm, or at a new normal level, the detector learns
    anew; else it keeps its baseline."""
    by.require(Capability.OPERATE)
    if verdict not in VERDICTS:
        raise Refused(fields={"verdict": [f"Choose from: {', '.join(VERDICTS)}."]})
    with transaction.atomic():
        locked = Incident.objects.select_for_update().get(pk=incident.pk)
        if locked.status == Status.RESOLVED:
            raise Conflict("This incident is resolved already.")
        locked.verdict = verdict
        locked.save(update_fields=["verdict"])
        _resolve(locked, by, f"{VERDICTS[verdict]}.")
        if verdict != "real":
            _learn_anew(locked)


def incident_note(incident: Incident, *, by: Actor, text: str) -> IncidentNote:
    """Write a line on its timeline."""
    by.require(Capability.OPERATE)
    text = text.strip()
    if not 0 < len(text) <= LONGEST_NOTE or "\0" in text:
        raise Refused(fields={"text": [f"1 to {LONGEST_NOTE:,} characters."]})
    with transaction.atomic():
        note = _note(incident, by, text)
        audit.record(by, "incident.note", incident)
    return note


def incident_snooze(incident: Incident, *, by: Actor, hours: int) -> None:
    """No messages about it for a while."""
    by.require(Capability.OPERATE)
    if not 0 < hours <= LONGEST_SNOOZE.total_seconds() / 3600:
        raise Refused(fields={"hours": ["1 to 720 hours."]})
    until = timezone.now() + timedelta(hours=hours)
    with transaction.atomic():
        if not Incident.objects.filter(pk=incident.pk).exclude(status=Status.RESOLVED).update(snoozed_until=until):
            raise Conflict("This incident is resolved already.")
        _note(incident, by, f"Snoozed for {hours} hours.")
        audit.record(by, "incident.snooze", incident, hours=hours)


def _resolve(incident: Incident, by: Actor, text: str) -> None:
    told: dict[str, Any] = {"status": Status.RESOLVED, "resolved_at": timezone.now(), "resolved_by": by.name}
    Incident.objects.filter(pk=incident.pk).update(**told)
    _note(incident, by, text)
    audit.record(by, "incident.resolve", incident, verdict=incident.verdict)
    deliveries_queue(incident, Delivery.Event.RESOLVED)


def _outage(worker: Worker) -> Incident | None:
    """What this is a part of: the first incident that was opened just before, of the same worker or of one that asks
    the same language model."""
    near = Incident.objects.filter(part_of=None, created_at__gte=timezone.now() - TOGETHER)
    same = Q(worker=worker) | Q(worker__language_model=worker.language_model_id)
    return near.exclude(status=Status.RESOLVED).filter(same).order_by("pk").first()


def _note(incident: Incident, by: Actor, text: str) -> IncidentNote:
    return IncidentNote.objects.create(incident=incident, by=by.name, text=text)


def _learn_anew(incident: Incident) -> None:
    found = Monitor.objects.select_for_update().filter(worker=incident.worker_id, version=incident.version)
    monitor = found.first()
    if monitor is not None and incident.signal in monitor.watches:
        del monitor.watches[incident.signal]
        monitor.save(update_fields=["watches"])


def _began(monitor: Monitor, pending: int, at: datetime) -> datetime:
    """Until when all was well: the start of the last `pending` executions before the alarm."""
    rows = Execution.objects.filter(worker=monitor.worker_id, started_at__lte=at).order_by("-started_at")
    if monitor.version:
        rows = rows.filter(version=monitor.version)
    return rows.values_list("started_at", flat=True)[pending : pending + 1].first() or at
