"""Say how a worker is watched."""

from django.db import transaction

from analytics.compute.signals import SIGNALS
from analytics.models import Monitor, WatchPolicy
from analytics.services.levels import LOWER_IS_WORSE, MEASURES
from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.models import Worker
from optimizer_app.services import audit

DAYS = (1, 3650)
SEVERITIES = frozenset({"warning", "critical"})


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
        Monitor.objects.filter(worker=worker).update(watches={}, learning=b"", inherited=[])
        audit.record(by, "watch.set", worker, enabled=enabled, days=days, drops=drops)
    return policy


def levels_set(
    worker: Worker, *, by: Actor, levels: dict[str, dict[str, float]], no_data: str, no_data_hours: int
) -> WatchPolicy:
    """Plain levels by measure, {"warning": x, "critical": y}, for the last hour's calls; and what becomes of the worker
    when no call came for so many hours."""
    by.require(Capability.APPROVE)
    fields: dict[str, list[str]] = {}
    for measure, limits in levels.items():
        if measure not in MEASURES or not set(limits) <= SEVERITIES:
            fields[measure] = ["There is no such level."]
        elif len(limits) == 2 and (limits["warning"] < limits["critical"]) == (measure in LOWER_IS_WORSE):
            fields[f"{measure}_critical"] = ["The critical level lies beyond the warning."]
    if no_data not in WatchPolicy.NoData.values:
        fields["no_data"] = [f"Choose from: {', '.join(WatchPolicy.NoData.values)}."]
    if not 1 <= no_data_hours <= 1000:
        fields["no_data_hours"] = ["Between 1 and 1,000 hours."]
    if fields:
        raise Refused(fields=fields)
    told = {"levels": levels, "no_data": no_data, "no_data_hours": no_data_hours}
    with transaction.atomic():
        policy, _ = WatchPolicy.objects.update_or_create(worker=worker, defaults=told)
        audit.record(by, "watch.levels", worker, **told)
    return policy
