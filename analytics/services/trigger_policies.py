"""Say when a worker is optimized by itself."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from analytics.models import TriggerPolicy
from analytics.services.triggers import next_run_at
from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.models import Worker
from optimizer_app.services import audit


def triggers_set(worker: Worker, *, by: Actor, **told: Any) -> TriggerPolicy:
    """Store every field of the policy but its worker and `next_at`, which follows from `cron`."""
    by.require(Capability.APPROVE)
    fields: dict[str, list[str]] = {}
    for name, low, high in _LIMITS:
        if told.get(name) is not None and not low <= told[name] <= high:
            fields[name] = [f"Between {low:g} and {high:g}."]
    if (told.get("quiet_from") is None) != (told.get("quiet_to") is None):
        fields["quiet_to"] = ["Say both hours, or none."]
    following = None
    if told.get("cron"):
        try:
            following = next_run_at(told["cron"], timezone.now())
        except Refused as refused:
            fields |= refused.fields
    if fields:
        raise Refused(fields=fields)
    with transaction.atomic():
        policy, _ = TriggerPolicy.objects.update_or_create(worker=worker, defaults={**told, "next_at": following})
        audit.record(by, "triggers.set", worker, policy={key: str(value) for key, value in told.items()})
    return policy


_LIMITS: tuple[tuple[str, float, float], ...] = (
    ("new_examples", 1, 1_000_000), ("run_usd", 0, 1e6), ("run_calls", 1, 10_000_000), ("cooldown_hours", 0, 8_760),
    ("monthly_usd", 0, 1e6), ("quiet_from", 0, 23), ("quiet_to", 0, 23), ("most_at_once", 1, 100),
    ("least_gain", 0, 1), ("canary_share", 0.01, 0.5), ("canary_calls", 100, 10_000_000),
    ("most_cost_percent", 0, 10_000), ("most_latency_percent", 0, 10_000),
    ("least_pays", 0, 1), ("rollback_hours", 0, 8_760),
)  # fmt: skip
