"""Create, change, try and delete channels."""

from typing import Any

import msgspec
from django.db import transaction

from analytics.models import Channel, Delivery
from analytics.services.deliveries import CONFIGS, delivery_test
from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.outbound import address_problem
from optimizer_app.common.problems import Refused
from optimizer_app.models import Worker
from optimizer_app.services import audit
from optimizer_app.services.people import is_address

LONGEST_NAME, LEAST_SECRET, MOST_ADDRESSES = 100, 16, 20


def channel_save(
    channel: Channel | None, *, by: Actor, name: str, kind: str, worker: Worker | None, config: dict[str, Any]
) -> Channel:
    """Create a channel, or change one, which switches it on again. Empty secrets keep what is there."""
    by.require(Capability.ADMIN)
    if channel is not None:
        config = {**channel.config, **{key: value for key, value in config.items() if value}}
        kind = channel.kind
    fields = _problems(channel, name, kind, config)
    if fields:
        raise Refused(fields=fields)
    with transaction.atomic():
        saved = channel or Channel(kind=kind, created_by=by.name)
        saved.name, saved.worker, saved.config, saved.enabled, saved.problem = name.strip(), worker, config, True, ""
        saved.save()
        audit.record(by, "channel.change" if channel else "channel.create", saved, kind=kind)
    return saved


def channel_switch(channel: Channel, *, by: Actor, enabled: bool) -> None:
    """Tell it of incidents, or not."""
    by.require(Capability.ADMIN)
    with transaction.atomic():
        Channel.objects.filter(pk=channel.pk).update(enabled=enabled, problem="")
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


def _problems(channel: Channel | None, name: str, kind: str, config: dict[str, Any]) -> dict[str, list[str]]:
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
    if kind == Channel.Kind.PAGERDUTY and not config["routing_key"]:
        fields["routing_key"] = ["The integration key of the service."]
    if kind == Channel.Kind.EMAIL:
        wrong = [address for address in config["addresses"] if not is_address(address)]
        if wrong or not 0 < len(config["addresses"]) <= MOST_ADDRESSES:
            fields["addresses"] = [f"“{wrong[0][:100]}” is no e-mail address." if wrong else "One to 20 addresses."]
    return fields
