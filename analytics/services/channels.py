"""Create, change, try and delete channels."""

from collections.abc import Collection
from typing import Any

import msgspec
from django.db import transaction

from analytics.models import Channel, Delivery, Incident
from analytics.selectors.news import INCIDENTS, TOPICS, newest_number
from analytics.services.deliveries import CONFIGS, delivery_test
from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.outbound import address_problem
from optimizer_app.common.problems import Refused
from optimizer_app.models import Worker
from optimizer_app.services import audit
from optimizer_app.services.people import is_address

LONGEST_NAME, LEAST_SECRET, MOST_ADDRESSES = 100, 16, 20
LONGEST_PATIENCE = 7 * 24 * 60  # minutes


def channel_save(
    channel: Channel | None, *, by: Actor, name: str, kind: str, worker: Worker | None, config: dict[str, Any],
    topics: Collection[str] = (INCIDENTS,), least: str = Incident.Severity.WARNING, after_minutes: int = 0,
    hours: tuple[int, int] | None = None,
) -> Channel:  # fmt: skip
    """Create a channel, or change one, which switches it on again. Empty secrets keep what is there. It is told of what
    happens from now on, within `hours` of the day where they are given."""
    by.require(Capability.ADMIN)
    if channel is not None:
        config = {**channel.config, **{key: value for key, value in config.items() if value}}
        kind = channel.kind
    fields = _problems(channel, name, kind, config, topics) | _routing_problems(topics, least, after_minutes, hours)
    if fields:
        raise Refused(fields=fields)
    with transaction.atomic():
        saved = channel or Channel(kind=kind, created_by=by.name)
        saved.name, saved.worker, saved.config, saved.enabled, saved.problem = name.strip(), worker, config, True, ""
        saved.topics, saved.least, saved.after_minutes = sorted(topics), least, after_minutes
        saved.hours_from, saved.hours_to = hours or (None, None)
        saved.told_to = newest_number()
        saved.save()
        audit.record(by, "channel.change" if channel else "channel.create", saved, kind=kind)
    return saved


def channel_switch(channel: Channel, *, by: Actor, enabled: bool) -> None:
    """Tell it of what happens from now on, or of nothing."""
    by.require(Capability.ADMIN)
    with transaction.atomic():
        Channel.objects.filter(pk=channel.pk).update(enabled=enabled, problem="", told_to=newest_number())
        audit.record(by, "channel.on" if enabled else "channel.off", channel)


def channel_delete(channel: Channel, *, by: Actor) -> None:
    """With the record of what was sent there."""
    by.require(Capability.ADMIN)
    with transaction.atomic():
        audit.record(by, "channel.delete", channel)
        channel.delete()


def channel_test(channel: Channel, *, by: Actor) -> Delivery:
    """Send a message that only tries it out, within seconds."""
    by.require(Capability.ADMIN)
    with transaction.atomic():
        audit.record(by, "channel.test", channel)
        return delivery_test(channel)


def _routing_problems(
    topics: Collection[str], least: str, after_minutes: int, hours: tuple[int, int] | None
) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    if not topics or not set(topics) <= set(TOPICS):
        fields["topics"] = [f"At least one of: {', '.join(TOPICS)}."]
    if least not in Incident.Severity.values:
        fields["least"] = [f"Choose from: {', '.join(Incident.Severity.values)}."]
    if not 0 <= after_minutes <= LONGEST_PATIENCE:
        fields["after_minutes"] = [f"Between 0 and {LONGEST_PATIENCE:,} minutes."]
    if hours is not None and not all(0 <= hour <= 23 for hour in hours):
        fields["hours_from"] = ["Hours are from 0 to 23."]
    return fields


def _problems(
    channel: Channel | None, name: str, kind: str, config: dict[str, Any], topics: Collection[str]
) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    others = Channel.objects.exclude(pk=channel.pk) if channel else Channel.objects.all()
    if not 0 < len(name.strip()) <= LONGEST_NAME or others.filter(name=name.strip()).exists():
        fields["name"] = [f"A name of 1 to {LONGEST_NAME} characters that no other channel has."]
    if kind not in CONFIGS:
        return fields | {"kind": [f"Choose from: {', '.join(CONFIGS)}."]}
    try:
        msgspec.convert(config, CONFIGS[kind][0])
    except msgspec.ValidationError as error:
        return fields | {"config": [str(error)]}
    if "url" in config and (problem := address_problem(config["url"])):
        fields["url"] = [problem]
    if kind == Channel.Kind.WEBHOOK and len(config["secret"]) < LEAST_SECRET:
        fields["secret"] = [f"At least {LEAST_SECRET} characters."]
    if kind == Channel.Kind.PAGERDUTY and set(topics) - {INCIDENTS}:
        fields["topics"] = ["PagerDuty wakes people; it is told of incidents only."]
    if kind == Channel.Kind.PAGERDUTY and not config["routing_key"]:
        fields["routing_key"] = ["The integration key of the service."]
    if kind == Channel.Kind.EMAIL:
        wrong = [address for address in config["addresses"] if not is_address(address)]
        if wrong or not 0 < len(config["addresses"]) <= MOST_ADDRESSES:
            fields["addresses"] = [f"“{wrong[0][:100]}” is no e-mail address." if wrong else "One to 20 addresses."]
    return fields
