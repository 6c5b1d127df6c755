"""Decide when a worker is optimized by itself: every decision is a row, taken once."""

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from celery.schedules import ParseException, crontab
from django.db import IntegrityError, transaction
from django.db.models import FloatField, Sum
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone

from analytics.models import Incident, TriggerDecision, TriggerPolicy
from optimizer_app.common.access import SYSTEM
from optimizer_app.common.problems import Refused
from optimizer_app.models import AuditEvent, ProgramVersion, Run, Worker
from optimizer_app.selectors.datasets import dataset_versions_for, examples_since
from optimizer_app.services.dataset_versions import dataset_freeze_again
from optimizer_app.services.runs import budget_of, run_create

Outcome = TriggerDecision.Outcome
SPECIAL = "@"  # keys of a state that are no steps: a tuned model, an assembly
FINAL = frozenset({Outcome.STARTED, Outcome.DRY_RUN, Outcome.REFUSED})
QUALITY = ("success", "score")
CRON_FIELDS = 5
FARTHEST = timedelta(days=366 * 4)
RECENT = timedelta(days=2)  # older events start nothing any more


class Event(NamedTuple):
    """Something that may start a run. `key` names it for ever."""

    key: str
    text: str


def triggers_look() -> int:
    """Decide about every event of every switched-on policy; how many runs were started."""
    started = 0
    for policy in TriggerPolicy.objects.filter(enabled=True).select_related(
        "worker__language_model", "worker__active_version"
    ):
        for event in _events(policy):
            decided = TriggerDecision.objects.filter(worker=policy.worker, event=event.key, outcome__in=FINAL)
            if not decided.exists():
                started += _decide(policy, event)
    return started


def decision_note(
    worker: Worker, event: str, outcome: Outcome, why: str, run: Run | None = None
) -> TriggerDecision | None:
    """Write a decision down, once; None when it is there already. Inside a transaction, so that what follows from it is
    undone when another scheduler was quicker."""
    told = f"{worker.pk}:{event}:{outcome}:{why if outcome == Outcome.NOT_NOW else ''}"
    try:
        with transaction.atomic():
            return TriggerDecision.objects.create(
                worker=worker, event=event, outcome=outcome, why=why, run=run,
                key=hashlib.sha256(told.encode()).hexdigest(),
            )  # fmt: skip
    except IntegrityError:
        return None


def next_run_at(cron: str, after: datetime) -> datetime:
    """The next time of a cron line with five fields, in the installation's time zone; where day and weekday are both
    given, both must hold. Raises Refused."""
    fields = cron.split()
    try:
        if len(fields) != CRON_FIELDS:
            raise ValueError(f"{len(fields)} fields")
        line = crontab.from_string(cron)
    except (ValueError, TypeError, KeyError, ParseException) as error:
        raise Refused(fields={"cron": [f"“{cron[:50]}” is no cron line of five fields: {error}"]}) from None
    at = timezone.localtime(after).replace(second=0, microsecond=0) + timedelta(minutes=1)
    until = at + FARTHEST
    while at < until:
        if not _on_day(line, at):
            at = (at + timedelta(days=1)).replace(hour=0, minute=0)
        elif at.hour not in line.hour:
            at = (at + timedelta(hours=1)).replace(minute=0)
        elif at.minute not in line.minute:
            at += timedelta(minutes=1)
        else:
            return at
    raise Refused(fields={"cron": [f"“{cron[:50]}” never comes."]})


def _on_day(line: crontab, at: datetime) -> bool:
    weekday = at.isoweekday() % 7  # as cron counts: 0 is Sunday
    return at.month in line.month_of_year and at.day in line.day_of_month and weekday in line.day_of_week


def _events(policy: TriggerPolicy) -> Iterator[Event]:
    now = timezone.now()
    if policy.on_degradation:
        open_ones = Incident.objects.filter(worker=policy.worker, signal__in=QUALITY, noticed_at__gt=now - RECENT)
        for incident in open_ones.exclude(status=Incident.Status.RESOLVED):
            yield Event(f"incident-{incident.pk}", f"{incident}: {incident.signal} fell")
    if policy.next_at and policy.next_at <= now:
        yield Event(f"schedule-{policy.next_at:%Y%m%d%H%M}", f"Planned for {timezone.localtime(policy.next_at):%H:%M}")
        following = next_run_at(policy.cron, now)
        TriggerPolicy.objects.filter(pk=policy.pk, next_at=policy.next_at).update(next_at=following)
    newest = dataset_versions_for(policy.worker).first()
    if policy.new_examples and newest:
        fresh = examples_since(newest)
        if fresh >= policy.new_examples:
            yield Event(f"examples-{newest.pk}", f"{fresh} new examples since {newest}")
    if policy.on_model_change and (change := _model_change(policy.worker)):
        yield Event(f"model-{change.number}", "The language model was exchanged")


def _decide(policy: TriggerPolicy, event: Event) -> bool:
    worker = policy.worker
    if obstacle := _obstacle(policy):
        decision_note(worker, event.key, Outcome.NOT_NOW, f"{event.text}. Not now: {obstacle}.")
        return False
    if policy.dry_run:
        decision_note(worker, event.key, Outcome.DRY_RUN, f"{event.text}. The policy is on trial.")
        return False
    try:
        with transaction.atomic():
            run = _start(policy)
            made = decision_note(worker, event.key, Outcome.STARTED, f"{event.text}. Started {run}.", run)
            if made is None:
                raise IntegrityError("another scheduler was quicker")
    except IntegrityError:
        return False
    except Refused as refused:
        decision_note(worker, event.key, Outcome.REFUSED, f"{event.text}. {refused}")
        return False
    return True


def _start(policy: TriggerPolicy) -> Run:
    version = dataset_versions_for(policy.worker)[0]
    if examples_since(version):
        version = dataset_freeze_again(version, by=SYSTEM)
    return run_create(
        by=SYSTEM, worker=policy.worker, dataset_version=version, optimizer=policy.optimizer,
        parameters=policy.parameters, seed=version.number,
        budget=budget_of(calls=policy.run_calls, usd=policy.run_usd), baseline=_baseline(policy.worker),
    )  # fmt: skip


def _baseline(worker: Worker) -> ProgramVersion | None:
    """The active version, which a winner must beat; none where an optimizer cannot start from it: it is fine-tuned or
    put together of several programs."""
    active = worker.active_version
    special = active is None or any(key.startswith(SPECIAL) for key in active.state)
    return None if special else active


def _obstacle(policy: TriggerPolicy) -> str:
    """What holds a run back now; nothing when nothing does."""
    now, runs = timezone.now(), Run.objects.exclude(status__in=Run.ENDED)
    if not dataset_versions_for(policy.worker).exists():
        return "no dataset version is frozen"
    if runs.filter(worker=policy.worker).exists():
        return "a run of it is under way"
    if runs.count() >= policy.most_at_once:
        return f"{policy.most_at_once} runs are under way"
    newest = policy.worker.runs.order_by("-id").first()
    if newest and newest.created_at > now - timedelta(hours=policy.cooldown_hours):
        return f"less than {policy.cooldown_hours} hours since {newest}"
    if _quiet(policy, timezone.localtime(now).hour):
        return f"quiet from {policy.quiet_from}:00 to {policy.quiet_to}:00"
    if policy.monthly_usd is not None and (spent := _spent_this_month(policy.worker)) >= policy.monthly_usd:
        return f"${spent:,.2f} of this month's ${policy.monthly_usd:,.2f} are spent"
    return ""


def _quiet(policy: TriggerPolicy, hour: int) -> bool:
    if policy.quiet_from is None or policy.quiet_to is None:
        return False
    if policy.quiet_from <= policy.quiet_to:
        return policy.quiet_from <= hour < policy.quiet_to
    return hour >= policy.quiet_from or hour < policy.quiet_to


def _spent_this_month(worker: Worker) -> float:
    first = timezone.localtime().replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    cost = Cast(KT("progress__usage__cost_usd"), FloatField())
    spent: float | None = worker.runs.filter(created_at__gte=first).aggregate(usd=Sum(cost))["usd"]
    return spent or 0.0


def _model_change(worker: Worker) -> AuditEvent | None:
    """The newest exchange of the language model that no run has followed."""
    newest = worker.runs.order_by("-id").first()
    since = newest.created_at if newest else worker.created_at
    changes = AuditEvent.objects.filter(object_type="worker", object_id=str(worker.pk), verb="worker.update")
    recent = changes.filter(at__gt=since.isoformat())
    return next((event for event in recent if "language_model" in event.data.get("changed", [])), None)
