"""Where word goes, and each attempt to send it."""

from django.db import models
from django.db.models import Q

from analytics.models.monitors import Incident
from optimizer_app.common.fields import EncryptedJSONField
from optimizer_app.common.models import Timestamped
from optimizer_app.common.ownership import OfWorker
from optimizer_app.models import AuditEvent


def only_incidents() -> list[str]:
    """What a channel is told of unless somebody says more."""
    return ["incidents"]


class Channel(Timestamped):
    """One place that is told of one worker, or of all. `config` holds what its kind needs, encrypted: addresses, an
    address and a signing key, or a routing key. `problem` says why it was switched off.

    It is told of `topics`: of incidents of the severity `least` or more, those with `after_minutes` only while nobody
    acknowledged them for so long; and of news from the audit chain after the event numbered `told_to`. Outside its
    hours (of the day, in the installation's time zone) messages wait."""

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        SLACK = "slack", "Slack or compatible"
        WEBHOOK = "webhook", "Webhook, signed"
        PAGERDUTY = "pagerduty", "PagerDuty"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    worker = models.ForeignKey("optimizer_app.Worker", on_delete=models.PROTECT, null=True, related_name="channels")
    config = EncryptedJSONField()
    topics = models.JSONField(default=only_incidents)
    told_to = models.PositiveBigIntegerField(default=0)
    least = models.CharField(
        max_length=10, choices=Incident.Severity.choices, default=Incident.Severity.WARNING
    )  # fmt: skip
    after_minutes = models.PositiveIntegerField(default=0)
    hours_from = models.PositiveSmallIntegerField(null=True)
    hours_to = models.PositiveSmallIntegerField(null=True)
    enabled = models.BooleanField(default=True)
    problem = models.CharField(max_length=300, blank=True)
    created_by = models.CharField(max_length=150)

    objects = OfWorker()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Silence(Timestamped):
    """A time in which nobody is told of a worker's incidents, or of any: a maintenance, say. Messages wait until it is
    over, and those that are not needed any more are dropped."""

    worker = models.ForeignKey("optimizer_app.Worker", on_delete=models.PROTECT, null=True, related_name="silences")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    reason = models.CharField(max_length=200)
    created_by = models.CharField(max_length=150)

    objects = OfWorker()

    class Meta:
        ordering = ("-ends_at",)

    def __str__(self) -> str:
        return self.reason


class Delivery(Timestamped):
    """One message to one channel: recorded before it is sent, claimed by moving `next_at` on, and sent again until it
    arrives or is given up. `key` is the same in every attempt, so that the other side can tell a repetition."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Given up"
        DROPPED = "dropped", "Not needed any more"

    class Event(models.TextChoices):
        OPENED = "opened", "Opened"
        ESCALATED = "escalated", "Escalated"
        WORSE = "worse", "Got worse"
        REMINDER = "reminder", "Still open"
        RESOLVED = "resolved", "Resolved"
        NEWS = "news", "News"
        TEST = "test", "Test"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    incident = models.ForeignKey(Incident, on_delete=models.CASCADE, null=True, related_name="deliveries")
    news = models.ForeignKey(AuditEvent, on_delete=models.PROTECT, null=True, related_name="+")
    event = models.CharField(max_length=10, choices=Event.choices)
    key = models.CharField(max_length=64, unique=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)
    detail = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("next_at",), name="delivery_due", condition=Q(status="waiting")),)

    def __str__(self) -> str:
        return f"{self.get_event_display()} to {self.channel}"
