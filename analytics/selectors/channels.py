"""Which channels are told of an incident, and when they may be."""

from datetime import datetime, timedelta

from django.db.models import Q, QuerySet
from django.utils import timezone

from analytics.models import Channel, Delivery, Incident, Silence
from analytics.selectors.news import INCIDENTS

Event = Delivery.Event


def told_of(incident: Incident, event: str) -> list[Channel]:
    """Enabled channels of the worker, or of all, whose topics, severity and patience fit. Those that were told of the
    outage which an incident is part of are not told again; the end is told to those that were told of it."""
    channels = Channel.objects.filter(Q(worker=None) | Q(worker=incident.worker_id), enabled=True)
    sent = Delivery.objects.values_list("channel", flat=True)
    if event == Event.RESOLVED:
        return list(channels.filter(pk__in=sent.filter(incident=incident)))
    if incident.part_of_id:
        channels = channels.exclude(pk__in=sent.filter(incident=incident.part_of_id))
    channels = channels.filter(after_minutes__gt=0) if event == Event.ESCALATED else _at_once(channels, incident, event)
    warning = incident.severity == Incident.Severity.WARNING
    return [
        c for c in channels if INCIDENTS in c.topics and not (warning and c.least == Incident.Severity.CRITICAL)
    ]  # fmt: skip


def waits_until(delivery: Delivery) -> datetime | None:
    """When it may be sent; None for now. News wait for the channel's hours, not for the end of silences; tests wait for
    nothing."""
    now, incident = timezone.now(), delivery.incident
    if delivery.event == Event.TEST:
        return None
    silent = None
    if incident is not None:
        silences = Silence.objects.filter(Q(worker=None) | Q(worker=incident.worker_id), starts_at__lte=now)
        silent = silences.filter(ends_at__gt=now).order_by("-ends_at").values_list("ends_at", flat=True).first()
    return silent or _next_hour(delivery.channel, now)


def _at_once(channels: QuerySet[Channel], incident: Incident, event: str) -> QuerySet[Channel]:
    """Channels without patience; of what is already known, also those that were told before."""
    if event == Event.OPENED:
        return channels.filter(after_minutes=0)
    heard = Delivery.objects.filter(incident=incident).values_list("channel", flat=True)
    return channels.filter(Q(after_minutes=0) | Q(pk__in=heard))


def _next_hour(channel: Channel, now: datetime) -> datetime | None:
    opens, closes = channel.hours_from, channel.hours_to
    if opens is None or closes is None or opens == closes:
        return None
    local = timezone.localtime(now)
    within = opens <= local.hour < closes if opens < closes else local.hour >= opens or local.hour < closes
    if within:
        return None
    at = local.replace(hour=opens, minute=0, second=0, microsecond=0)
    return at if at > local else at + timedelta(days=1)
