"""Say how a worker is watched."""

from django.db import transaction

from analytics.compute.signals import SIGNALS
from analytics.models import Monitor, WatchPolicy
from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.models import Worker
from optimizer_app.services import audit

DAYS = (1, 3650)


def watch_set(worker: Worker, *, by: Actor, enabled: bool, days: int, drops: dict[str, float]) -> WatchPolicy:
    """At most one false alarm in `days`; `drops` by signal, shares of the signal's scale. A changed policy holds for
    detectors that arm from now on; those that are armed begin anew."""
    by.require(Capability.APPROVE)
    fields: dict[str, list[str]] = {}
    if not DAYS[0] <= days <= DAYS[1]:
        fields["days"] = [f"Between {DAYS[0]} and {DAYS[1]:,} days."]
    if unknown := set(drops) - set(SIGNALS):
        fields["drops"] = [f"There is no signal {', '.join(sorted(unknown))}."]
    for signal, drop in drops.items():
        if not 0.005 <= drop <= 0.5:
            fields[signal] = ["Between 0.5 and 50 points."]
    if fields:
        raise Refused(fields=fields)
    with transaction.atomic():
        policy, _ = WatchPolicy.objects.update_or_create(
            worker=worker, defaults={"enabled": enabled, "days": days, "drops": drops}
        )
        Monitor.objects.filter(worker=worker).update(watches={}, learning=b"")
        audit.record(by, "watch.set", worker, enabled=enabled, days=days, drops=drops)
    return policy
