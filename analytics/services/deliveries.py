"""Word of incidents: recorded in the transaction of the event, sent by whoever claims it, until it arrives."""

import hashlib
import logging
from datetime import timedelta
from typing import Any

import msgspec
from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.urls import reverse
from django.utils import timezone

from analytics.models import Channel, Delivery, Incident
from analytics.selectors.watching import LABELS
from analytics.transports import email, http
from analytics.transports.messages import Message, SendError
from optimizer_app.common.access import SYSTEM
from optimizer_app.services import audit

logger = logging.getLogger(__name__)
Kind, Event, Status = Channel.Kind, Delivery.Event, Delivery.Status
CONFIGS: dict[str, Any] = {
    Kind.EMAIL: (email.EmailConfig, email.send),
    Kind.SLACK: (http.SlackConfig, http.send_slack),
    Kind.WEBHOOK: (http.WebhookConfig, http.send_webhook),
    Kind.PAGERDUTY: (http.PagerDutyConfig, http.send_pagerduty),
}
PAUSES = tuple(timedelta(seconds=s) for s in (30, 120, 600, 3600, 6 * 3600))
REMIND_AFTER = timedelta(hours=24)
AT_ONCE = 20


def deliveries_queue(incident: Incident, event: str, mark: str = "") -> int:
    """Record a message for every channel that is told of the worker; once for each event of the incident, `mark`
    telling reminders apart. Inside the caller's transaction."""
    if incident.snoozed_until and incident.snoozed_until > timezone.now():
        return 0
    channels = Channel.objects.filter(Q(worker=None) | Q(worker=incident.worker_id), enabled=True)
    made = [
        Delivery(channel=c, incident=incident, event=event, key=_key(c, incident, event, mark), next_at=timezone.now())
        for c in channels
    ]
    Delivery.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def delivery_test(channel: Channel) -> Delivery:
    """Record a message that only tries the channel out."""
    key = hashlib.sha256(f"test:{channel.pk}:{timezone.now().isoformat()}".encode()).hexdigest()
    return Delivery.objects.create(channel=channel, event=Event.TEST, key=key, next_at=timezone.now())


def deliveries_send() -> int:
    """Send what is due; how many arrived. Each is claimed by moving its next attempt on, before it is sent: of several
    senders one sends, and what a killed one had claimed is sent after the pause."""
    _remind()
    arrived = 0
    due = Delivery.objects.filter(status=Status.WAITING, next_at__lte=timezone.now()).select_related(
        "channel", "incident__worker"
    )
    for delivery in due.order_by("next_at")[:AT_ONCE]:
        pause = PAUSES[min(delivery.attempts, len(PAUSES) - 1)]
        claimed = Delivery.objects.filter(pk=delivery.pk, status=Status.WAITING, next_at=delivery.next_at)
        if claimed.update(next_at=timezone.now() + pause, attempts=delivery.attempts + 1):
            arrived += _send(delivery)
    return arrived


def _send(delivery: Delivery) -> bool:
    config_type, send = CONFIGS[delivery.channel.kind]
    try:
        send(msgspec.convert(delivery.channel.config, config_type), message_of(delivery))
    except SendError as error:
        _failed(delivery, str(error), given_up=error.permanent or delivery.attempts + 1 > len(PAUSES))
        return False
    except Exception as error:  # a channel's trouble must not keep the others from hearing
        logger.exception("The delivery %s failed.", delivery.pk)
        _failed(delivery, f"{type(error).__name__}: {error}", given_up=delivery.attempts + 1 > len(PAUSES))
        return False
    Delivery.objects.filter(pk=delivery.pk).update(status=Status.SENT, sent_at=timezone.now(), detail="")
    return True


def _failed(delivery: Delivery, reason: str, *, given_up: bool) -> None:
    """A message that is given up switches its channel off, and that is said there and in the audit log."""
    status = Status.FAILED if given_up else Status.WAITING
    with transaction.atomic():
        Delivery.objects.filter(pk=delivery.pk).update(status=status, detail=reason[:300])
        if given_up and delivery.event != Event.TEST:
            Channel.objects.filter(pk=delivery.channel_id).update(enabled=False, problem=reason[:300])
            audit.record(SYSTEM, "channel.off", delivery.channel, reason=reason[:200])


def _remind() -> None:
    """Once a day for what is open and nobody acknowledged."""
    now = timezone.now()
    for incident in Incident.objects.filter(status=Incident.Status.OPEN, noticed_at__lt=now - REMIND_AFTER):
        days = (now - incident.noticed_at).days
        deliveries_queue(incident, Event.REMINDER, str(days))


def message_of(delivery: Delivery) -> Message:
    """What is said."""
    incident = delivery.incident
    if incident is None:
        told = "This is a test. Nothing is wrong."
        return Message(delivery.key, delivery.key, "test", "info", "Uplift: test", told, settings.PUBLIC_URL, {})
    label, worker = LABELS[incident.signal], incident.worker.name
    words = {Event.OPENED: "fell", Event.REMINDER: "is still down", Event.RESOLVED: "is back"}
    title = f"{worker}: {label.lower()} {words[Event(delivery.event)]}"
    link = settings.PUBLIC_URL + reverse("analytics:incident", args=[incident.pk]) if settings.PUBLIC_URL else ""
    severity = "info" if delivery.event == Event.RESOLVED else "critical"
    facts = _facts(incident)
    text = "; ".join(f"{name}: {value}" for name, value in facts.items())
    return Message(delivery.key, f"incident-{incident.pk}", delivery.event, severity, title, text, link, facts)


def _facts(incident: Incident) -> dict[str, str]:
    told = incident.evidence
    level = told.get("corrected_level", told["level"])
    facts = {
        "From": _level(incident, told["baseline"]), "to": "unknown" if level is None else _level(incident, level),
        "Calls": f"{told.get('corrected_count', told['count']):,}", "Since": f"{incident.began_at:%-d %b %Y %H:%M} UTC",
    }  # fmt: skip
    if incident.causes:
        cause = incident.causes[0]
        facts["With it"] = f"{cause['kind']} {cause['name']}: {_share(cause, 'before')} → {_share(cause, 'after')}"
    return facts


def _level(incident: Incident, value: float) -> str:
    """A share, or for latency and cost a place on the signal's scale."""
    return f"{100 * value:.1f} {'%' if incident.signal in ('success', 'score') else 'of 100'}"


def _share(cause: dict[str, Any], side: str) -> str:
    return f"{100 * cause[side]:.0f} %" if cause["share"] else f"{cause[side]:.2f}"


def _key(channel: Channel, incident: Incident, event: str, mark: str) -> str:
    return hashlib.sha256(f"{channel.pk}:{incident.pk}:{event}:{mark}".encode()).hexdigest()
