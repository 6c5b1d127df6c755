"""Messages: recorded in the transaction of the event, sent by whoever claims it, until it arrives."""

import hashlib
import logging
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import msgspec
from django.db import transaction
from django.utils import timezone

from analytics.models import Channel, Delivery, Incident
from analytics.selectors.channels import told_of, waits_until
from analytics.selectors.messages import message_of
from analytics.services.news import news_queue
from analytics.transports import email, http
from analytics.transports.messages import SendError
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
    """Record a message for every channel that is told of it; once for each event of the incident, `mark` telling
    reminders apart. Inside the caller's transaction."""
    if incident.snoozed_until and incident.snoozed_until > timezone.now():
        return 0
    return _queue(told_of(incident, event), incident, event, mark)


def delivery_test(channel: Channel) -> Delivery:
    """Record a message that only tries the channel out."""
    key = hashlib.sha256(f"test:{channel.pk}:{timezone.now().isoformat()}".encode()).hexdigest()
    return Delivery.objects.create(channel=channel, event=Event.TEST, key=key, next_at=timezone.now())


def deliveries_send() -> int:
    """Send what is due; how many arrived. Each is claimed by moving its next attempt on, before it is sent: of several
    senders one sends, and what a killed one had claimed is sent after the pause."""
    _remind()
    _escalate()
    news_queue()
    arrived = 0
    due = Delivery.objects.filter(status=Status.WAITING, next_at__lte=timezone.now()).select_related(
        "channel", "incident__worker", "news"
    )
    for delivery in due.order_by("next_at")[:AT_ONCE]:
        claimed = Delivery.objects.filter(pk=delivery.pk, status=Status.WAITING, next_at=delivery.next_at)
        if _not_needed(delivery):
            claimed.update(status=Status.DROPPED, detail="The incident was over before this could be sent.")
        elif later := waits_until(delivery):
            claimed.update(next_at=later, detail="Waits for the end of a silence, or for the channel's hours.")
        else:
            pause = PAUSES[min(delivery.attempts, len(PAUSES) - 1)]
            if claimed.update(next_at=timezone.now() + pause, attempts=delivery.attempts + 1):
                arrived += _send(delivery)
    return arrived


def _not_needed(delivery: Delivery) -> bool:
    """Word of what is over, or of the end of what nobody heard of."""
    if delivery.incident is None:
        return False
    if delivery.event == Event.RESOLVED:
        heard = Delivery.objects.filter(channel=delivery.channel, incident=delivery.incident)
        return not heard.exclude(event=Event.RESOLVED).exclude(status=Status.DROPPED).exists()
    return delivery.incident.status == Incident.Status.RESOLVED


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


def _escalate() -> None:
    """To channels that are told of what nobody acknowledges."""
    now, opened = timezone.now(), Incident.objects.filter(status=Incident.Status.OPEN)
    for channel in Channel.objects.filter(enabled=True, after_minutes__gt=0):
        for incident in opened.filter(created_at__lt=now - timedelta(minutes=channel.after_minutes)):
            if channel in told_of(incident, Event.ESCALATED):
                _queue([channel], incident, Event.ESCALATED, "")


def _queue(channels: Iterable[Channel], incident: Incident, event: str, mark: str) -> int:
    made = [
        Delivery(channel=c, incident=incident, event=event, key=_key(c, incident, event, mark), next_at=timezone.now())
        for c in channels
    ]
    Delivery.objects.bulk_create(made, ignore_conflicts=True)
    return len(made)


def _key(channel: Channel, incident: Incident, event: str, mark: str) -> str:
    return hashlib.sha256(f"{channel.pk}:{incident.pk}:{event}:{mark}".encode()).hexdigest()
