"""Canaries: what both sides measure is counted as it arrives, and the trial ends as soon as it is decided."""

import logging
from collections.abc import Mapping, Sequence

import msgspec
from django.db import transaction

from analytics.compute.signals import Watch
from analytics.compute.trial import QUALITY, Tally
from analytics.models import CanaryTally, Monitor, TriggerDecision
from analytics.selectors.canaries import trial_of
from analytics.services.monitors import readings_of
from analytics.services.triggers import decision_note
from optimizer_app.common.access import SYSTEM
from optimizer_app.common.measures import Measure
from optimizer_app.common.problems import Conflict
from optimizer_app.models import Canary
from optimizer_app.services.canaries import canary_end

logger = logging.getLogger(__name__)
DISASTER = 0.1  # the drop that guards look for; smaller ones are the test's, from fifty calls on
Outcome = TriggerDecision.Outcome
OUTCOMES = {
    "promoted": Outcome.PROMOTED, "cheaper": Outcome.PROMOTED, "rolled_back": Outcome.ROLLED_BACK,
    "equivalent": Outcome.KEPT, "undecided": Outcome.KEPT,
}  # fmt: skip


def canaries_count(measures: Sequence[Measure]) -> None:
    """Count what was absorbed for the canaries that run; inside that transaction, under the lock of the register."""
    for canary in Canary.objects.filter(status=Canary.Status.RUNNING, worker__in={m.worker for m in measures}):
        since = canary.created_at.timestamp()
        sides = {canary.version_id: "new", canary.against_id: "old"}
        told = [m for m in measures if m.worker == canary.worker_id and m.version in sides and m.at >= since]
        if not told:
            continue
        try:
            with transaction.atomic():
                _count(canary, told, sides)
        except Exception:  # one trial must not keep the statistics of all from going on
            logger.exception("The canary %s missed %d calls.", canary.pk, len(told))


def canaries_look() -> int:
    """End the canaries that are decided; how many."""
    ended = 0
    for canary in Canary.objects.filter(status=Canary.Status.RUNNING).select_related("worker", "version", "against"):
        found = trial_of(canary).standing
        if not found.action:
            continue
        why = f"{canary}: {found.why}."
        try:
            with transaction.atomic():
                decision_note(canary.worker, f"canary-{canary.pk}", OUTCOMES[found.action], why)
                canary_end(canary, by=SYSTEM, status=found.action, why=why)
        except Conflict:  # a person or another scheduler was quicker
            continue
        ended += 1
    return ended


def _count(canary: Canary, measures: Sequence[Measure], sides: Mapping[int, str]) -> None:
    tally, created = CanaryTally.objects.select_for_update().get_or_create(canary=canary)
    if created:
        tally.guards = _guards(canary)
    sums = {side: msgspec.convert(getattr(tally, side), Tally) for side in ("old", "new")}
    guards = {name: msgspec.convert(state, Watch) for name, state in tally.guards.items()}
    for measure in measures:
        sums[sides[measure.version]].add(measure)
    for reading in readings_of(measures).get((canary.worker_id, canary.version_id), ()):
        tally.alarm = tally.alarm or next((name for name, watch in guards.items() if watch.update(reading)), "")
    tally.old, tally.new = (msgspec.to_builtins(sums[side]) for side in ("old", "new"))
    tally.guards = {name: msgspec.to_builtins(watch) for name, watch in guards.items()}
    tally.save()


def _guards(canary: Canary) -> dict[str, object]:
    """The detectors of the version beside it, as they would be after its healthy calls; none where it has an alarm of
    its own, because then its level is no baseline."""
    monitor = Monitor.objects.filter(worker=canary.worker_id, version=canary.against_id).first()
    kept = {name: msgspec.convert(state, Watch) for name, state in (monitor.watches if monitor else {}).items()}
    if any(kept[name].detector.alarmed for name in QUALITY if name in kept):
        return {}
    for watch in kept.values():
        watch.detector.rearm()
        watch.detector.delta = DISASTER
    return {name: msgspec.to_builtins(kept[name]) for name in QUALITY if name in kept}
