"""What watches production, and what it noticed."""

from django.db import models
from django.db.models import Q

from optimizer_app.common.models import Timestamped
from optimizer_app.common.ownership import OfWorker


class WatchPolicy(Timestamped):
    """How a worker is watched. At most one false alarm in `days`; `drops` are the smallest drops worth an alert by
    signal, in the signal's own scale, where they differ from the default. `levels` are plain thresholds for those who
    want them: {measure: {"warning": x, "critical": y}}, over the last hour. `no_data` says what becomes of it when no
    call came for `no_data_hours`."""

    class NoData(models.TextChoices):
        KEEP = "keep", "Leave everything as it is"
        NOTIFY = "notify", "Open an incident"
        RESOLVE = "resolve", "Resolve what is open"

    worker = models.OneToOneField("optimizer_app.Worker", on_delete=models.PROTECT, related_name="watch_policy")
    enabled = models.BooleanField(default=True)
    days = models.PositiveSmallIntegerField(default=30)
    drops = models.JSONField(default=dict)
    levels = models.JSONField(default=dict)
    no_data = models.CharField(max_length=10, choices=NoData.choices, default=NoData.KEEP)
    no_data_hours = models.PositiveSmallIntegerField(default=24)

    objects = OfWorker()

    def __str__(self) -> str:
        return f"Watch of {self.worker_id}"


class Monitor(Timestamped):
    """The detectors of one worker's version (its id; 0 where callers name none). While it learns, `learning` holds
    the readings so far, packed; `watches` are the armed detectors by signal. `seen` counts executions. `inherited`
    names signals whose detector still has the level of the version before, until enough is known of this one."""

    worker = models.ForeignKey("optimizer_app.Worker", on_delete=models.PROTECT, related_name="monitors")
    version = models.PositiveBigIntegerField(default=0)
    seen = models.BigIntegerField(default=0)
    learning = models.BinaryField(default=bytes)
    watches = models.JSONField(default=dict)
    inherited = models.JSONField(default=list)

    objects = OfWorker()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("worker", "version"), name="monitor_version"),)

    def __str__(self) -> str:
        return f"Monitor of worker {self.worker_id}, version {self.version}"


class Incident(Timestamped):
    """One episode of degradation of one signal. `evidence` is what the detector knew: baseline, level, count, since.

    open → acknowledged → resolved, by recovery or by a person; a snoozed one is quiet until `snoozed_until`. One that
    began together with another is `part_of` it: one outage, told once.
    """

    class Severity(models.TextChoices):
        WARNING = "warning", "Warning"
        CRITICAL = "critical", "Critical"

    class Status(models.TextChoices):
        OPEN = "open", "Open"
        ACKNOWLEDGED = "acknowledged", "Acknowledged"
        RESOLVED = "resolved", "Resolved"

    worker = models.ForeignKey("optimizer_app.Worker", on_delete=models.PROTECT, related_name="incidents")
    version = models.PositiveBigIntegerField(default=0)
    signal = models.CharField(max_length=30)
    severity = models.CharField(max_length=10, choices=Severity.choices, default=Severity.CRITICAL)
    part_of = models.ForeignKey("self", on_delete=models.PROTECT, null=True, related_name="parts")
    status = models.CharField(max_length=12, choices=Status.choices, default=Status.OPEN)
    noticed_at = models.DateTimeField()
    began_at = models.DateTimeField()  # until then all was well
    evidence = models.JSONField(default=dict)
    causes = models.JSONField(default=list)
    recovery = models.JSONField(default=dict)
    resolved_at = models.DateTimeField(null=True)
    resolved_by = models.CharField(max_length=150, blank=True)
    verdict = models.CharField(max_length=20, blank=True)  # of a person: real, false alarm, new normal
    snoozed_until = models.DateTimeField(null=True)

    objects = OfWorker()

    class Meta:
        ordering = ("-id",)
        constraints = (
            models.UniqueConstraint(
                fields=("worker", "version", "signal"), condition=~Q(status="resolved"), name="incident_once"
            ),
        )
        indexes = (models.Index(fields=("worker", "-id"), name="incident_worker"),)

    def __str__(self) -> str:
        return f"Incident {self.pk}"


class IncidentNote(models.Model):
    """A line of an incident's timeline, by a person or by Uplift."""

    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, related_name="notes")
    at = models.DateTimeField(auto_now_add=True)
    by = models.CharField(max_length=150)
    text = models.TextField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.text
