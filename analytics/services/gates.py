"""What becomes of a run that a trigger started, and of a promotion that does harm."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from analytics.compute.paired import slices_of
from analytics.models import Incident, TriggerDecision, TriggerPolicy
from analytics.selectors.results import result_changes
from analytics.selectors.roi import ledgers, with_version
from analytics.services.incidents import incident_recover
from analytics.services.triggers import QUALITY, Outcome, decision_note
from optimizer_app.common.access import SYSTEM
from optimizer_app.common.problems import Conflict
from optimizer_app.models import Comparison, ProgramVersion, Run
from optimizer_app.services import audit
from optimizer_app.services.canaries import canary_start
from optimizer_app.services.versions import version_promote, worker_rollback


def gates_look() -> int:
    """Judge ended runs of triggers, and promotions with an incident; how many decisions were made."""
    started = TriggerDecision.objects.filter(outcome=Outcome.STARTED, run__status__in=Run.ENDED)
    judged = TriggerDecision.objects.filter(event__startswith="gate-").values_list("run", flat=True)
    decided = 0
    for decision in started.exclude(run__in=list(judged)).select_related(
        "run__worker__active_version", "run__winner", "run__baseline"
    ):
        policy = TriggerPolicy.objects.filter(worker=decision.worker).first()
        if decision.run and policy:
            decided += _judge(policy, decision.run)
    return decided + sum(
        _roll_back(policy) for policy in TriggerPolicy.objects.filter(enabled=True, rollback_hours__gt=0)
    )


def gate_problems(policy: TriggerPolicy, run: Run) -> list[str]:
    """Why the winner of a run is not good enough; nothing when it is."""
    comparison = Comparison.objects.filter(run=run).select_related("before", "after", "run__worker").first()
    if comparison is None or run.winner is None:
        return [f"{run} ended without a winner: {run.get_finish_reason_display() or run.get_status_display()}"]
    numbers, problems = comparison.numbers, list[str]()
    if run.baseline_id != run.worker.active_version_id:
        problems.append(f"it was compared with {run.baseline}, but {run.worker.active_version} is active")
    if numbers["low"] <= 0:
        problems.append(f"the interval of its gain begins at {100 * numbers['low']:+.1f} points")
    if numbers["difference"] < policy.least_gain:
        gain = 100 * numbers["difference"]
        problems.append(f"its gain of {gain:+.1f} points is below {100 * policy.least_gain:.0f}")
    worse = [f"{s.name} {s.value}" for s in slices_of(result_changes(comparison)) if s.shown == "worse"]
    if worse:
        problems.append(f"it is worse for {', '.join(worse)}")
    before, after = comparison.before, comparison.after
    for label, limit, was, now in (
        ("cost of a call", policy.most_cost_percent, before.cost_usd, after.cost_usd),
        ("95th percentile of latency", policy.most_latency_percent, before.latency_p95_ms, after.latency_p95_ms),
    ):
        if limit is not None and was and now is not None and now > was * (1 + limit / 100):
            problems.append(f"its {label} is {100 * (now / was - 1):+.0f} %")
    if policy.least_pays is not None:
        problems += _pays(policy, run)
    return problems


def _pays(policy: TriggerPolicy, run: Run) -> list[str]:
    worth = with_version(ledgers([run.worker])[0], run).worth
    if worth is None:
        return ["what a correct answer is worth was not said"]
    least = policy.least_pays or 0.0
    return [f"it pays with {100 * worth.p_positive:.0f} % only"] if worth.p_positive < least else []


def _judge(policy: TriggerPolicy, run: Run) -> bool:
    event = f"gate-{run.pk}"
    problems = gate_problems(policy, run)
    if problems:
        return decision_note(run.worker, event, Outcome.KEPT, f"{run}: {'; '.join(problems)}.", run) is not None
    winner = run.winner
    assert winner
    if policy.promote == TriggerPolicy.Promote.PROPOSE or run.worker.two_people:
        why = f"{run}: version {winner.number} passed every check and waits for an approver."
        with transaction.atomic():
            made = decision_note(run.worker, event, Outcome.PROPOSED, why, run)
            if made:
                audit.record(SYSTEM, "version.propose", winner, why=why)
        return made is not None
    if policy.promote == TriggerPolicy.Promote.CANARY:
        return _put_on_trial(policy, run, winner)
    with transaction.atomic():
        why = f"{run}: version {winner.number} passed every check."
        if decision_note(run.worker, event, Outcome.PROMOTED, why, run) is None:
            return False
        if run.worker.active_version_id != winner.pk:
            version_promote(winner, by=SYSTEM, reason=why)
    return True


def _put_on_trial(policy: TriggerPolicy, run: Run, winner: ProgramVersion) -> bool:
    share = policy.canary_share
    why = f"{run}: version {winner.number} passed every check and answers {100 * share:.0f} % of the calls."
    try:
        with transaction.atomic():
            if decision_note(run.worker, f"gate-{run.pk}", Outcome.ON_TRIAL, why, run) is None:
                return False
            canary_start(winner, by=SYSTEM, share=share, most_calls=policy.canary_calls)
    except Conflict as conflict:
        return decision_note(run.worker, f"gate-{run.pk}", Outcome.KEPT, f"{run}: {conflict}", run) is not None
    return True


def _roll_back(policy: TriggerPolicy) -> bool:
    """Take a promotion back when quality fell soon after it."""
    worker = policy.worker
    promotion = worker.promotions.filter(version=worker.active_version, previous__isnull=False).first()
    if promotion is None or promotion.kind != "promotion":
        return False
    until = promotion.created_at + timedelta(hours=policy.rollback_hours)
    incident = Incident.objects.filter(
        worker=worker, version=promotion.version_id, signal__in=QUALITY,
        noticed_at__range=(promotion.created_at, min(until, timezone.now())),
    ).exclude(status=Incident.Status.RESOLVED).first()  # fmt: skip
    if incident is None:
        return False
    why = f"{incident}: {incident.signal} fell within {policy.rollback_hours} hours of {promotion}."
    try:
        with transaction.atomic():
            if decision_note(worker, f"rollback-{incident.pk}", Outcome.ROLLED_BACK, why) is None:
                return False
            worker_rollback(worker, by=SYSTEM, reason=why)
    except Conflict:
        return False
    return True


def incidents_supersede() -> int:
    """Close incidents of versions that were replaced: another one answers now; how many."""
    closed = 0
    unresolved = Incident.objects.exclude(status=Incident.Status.RESOLVED).exclude(version=0).select_related("worker")
    for incident in unresolved.exclude(version=F("worker__active_version")):
        incident_recover(incident, f"{incident.worker.active_version} answers now.")
        closed += 1
    return closed
