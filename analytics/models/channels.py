"""Where word goes, and each attempt to send it."""

from django.db import models
from django.db.models import Q

from optimizer_app.common.fields import EncryptedJSONField
from optimizer_app.common.models import Timestamped


class Channel(Timestamped):
    """One place that is told of incidents: of one worker, or of all. `config` holds what its kind needs, encrypted:
    addresses, an address and a signing key, or a routing key. `problem` says why it was switched off."""

    class Kind(models.TextChoices):
        EMAIL = "email", "E-mail"
        SLACK = "slack", "Slack or compatible"
        WEBHOOK = "webhook", "Webhook, signed"
        PAGERDUTY = "pagerduty", "PagerDuty"

    name = models.CharField(max_length=100, unique=True)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    worker = models.ForeignKey("optimizer_app.Worker", on_delete=models.PROTECT, null=True, related_name="channels")
    config = EncryptedJSONField()
    enabled = models.BooleanField(default=True)
    problem = models.CharField(max_length=300, blank=True)
    created_by = models.CharField(max_length=150)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name


class Delivery(Timestamped):
    """One message to one channel: recorded before it is sent, claimed by moving `next_at` on, and sent again until it
    arrives or is given up. `key` is the same in every attempt, so that the other side can tell a repetition."""

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        SENT = "sent", "Sent"
        FAILED = "failed", "Given up"

    class Event(models.TextChoices):
        OPENED = "opened", "Opened"
        REMINDER = "reminder", "Still open"
        RESOLVED = "resolved", "Resolved"
        TEST = "test", "Test"

    channel = models.ForeignKey(Channel, on_delete=models.CASCADE, related_name="deliveries")
    incident = models.ForeignKey("analytics.Incident", on_delete=models.CASCADE, null=True, related_name="deliveries")
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
