"""Word of runs and versions: read from the audit chain, each event told once to every channel that asked for it."""

import hashlib

from django.db import transaction
from django.utils import timezone

from analytics.models import Channel, Delivery
from analytics.selectors.news import NEWS, newest_number, worker_of
from optimizer_app.models import AuditEvent

AT_ONCE = 200


def news_queue() -> int:
    """Record a message for every event since the last look, for every channel that is told of its topic; how many.

    The chain is written in the order of its numbers, so nothing can appear behind a channel's `told_to`."""
    channels = [c for c in Channel.objects.filter(enabled=True) if NEWS.keys() & set(c.topics)]
    newest = newest_number()
    return sum(_queue(channel.pk, newest) for channel in channels if channel.told_to < newest)


def _queue(channel_id: int, newest: int) -> int:
    with transaction.atomic():
        channel = Channel.objects.select_for_update().get(pk=channel_id)
        verbs = {verb for topic in channel.topics for verb in NEWS.get(topic, ())}
        unseen = AuditEvent.objects.filter(number__gt=channel.told_to, number__lte=newest, verb__in=verbs)
        events = list(unseen.order_by("number")[:AT_ONCE])
        told = [event for event in events if channel.worker_id in (None, worker_of(event))]
        made = [
            Delivery(channel=channel, news=e, event=Delivery.Event.NEWS, key=_key(channel, e), next_at=timezone.now())
            for e in told
        ]
        Delivery.objects.bulk_create(made)
        channel.told_to = events[-1].number if len(events) == AT_ONCE else newest
        channel.save(update_fields=["told_to"])
    return len(made)


def _key(channel: Channel, event: AuditEvent) -> str:
    return hashlib.sha256(f"news:{channel.pk}:{event.number}".encode()).hexdigest()
