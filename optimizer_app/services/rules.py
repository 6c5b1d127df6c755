"""Create and change collection rules."""

from django.db import transaction

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.models import CollectionRule, Dataset, Execution, Worker
from optimizer_app.selectors.datasets import datasets_for
from optimizer_app.services import audit
from optimizer_app.services.collection import rules_apply
from optimizer_app.services.feedback import arrival_of

BACKFILL = 5_000  # newest executions that a new rule is applied to when asked


def rule_create(
    worker: Worker,
    *,
    by: Actor,
    name: str,
    dataset: Dataset,
    kind: str = CollectionRule.Kind.GOOD,
    score_limit: float | None = None,
    feedback_limit: float | None = None,
    sample_percent: float = 100,
    cap_per_label: int | None = None,
    needs_review: bool = True,
) -> CollectionRule:
    """A rule that judges executions of the worker from now on."""
    by.require(Capability.OPERATE)
    fields: dict[str, list[str]] = {}
    if not name.strip() or worker.rules.filter(name=name).exists():
        fields["name"] = [f"{worker.name} has a rule called “{name}” already." if name.strip() else "Name the rule."]
    if dataset not in datasets_for(worker):
        fields["dataset"] = [f"{dataset.name} has other fields than {worker.name}."]
    if not 0 < sample_percent <= 100:
        fields["sample_percent"] = ["A sample lies above 0 % and at most at 100 %."]
    for key, limit in (("score_limit", score_limit), ("feedback_limit", feedback_limit)):
        if limit is not None and not 0 <= limit <= 1:
            fields[key] = ["Scores lie between 0 and 1."]
    if fields:
        raise Refused(fields=fields)
    with transaction.atomic():
        rule = CollectionRule.objects.create(
            worker=worker, name=name, dataset=dataset, kind=kind, score_limit=score_limit,
            feedback_limit=feedback_limit, sample_percent=sample_percent, cap_per_label=cap_per_label,
            needs_review=needs_review,
        )  # fmt: skip
        audit.record(by, "rule.create", rule, worker=worker.name, dataset=dataset.name, kind=kind)
    return rule


def rule_switch(rule: CollectionRule, *, by: Actor, enabled: bool) -> None:
    """Let a rule judge, or rest."""
    by.require(Capability.OPERATE)
    with transaction.atomic():
        rule.enabled = enabled
        rule.save(update_fields=["enabled"])
        audit.record(by, "rule.on" if enabled else "rule.off", rule, worker=rule.worker.name)


def rule_apply_to_past(rule: CollectionRule, *, by: Actor) -> int:
    """Judge the newest BACKFILL executions that are there already; how many the worker's rules picked."""
    by.require(Capability.OPERATE)
    stored = Execution.objects.filter(worker=rule.worker).select_related("worker", "version")
    past = stored.prefetch_related("worker__rules__dataset", "feedback")[:BACKFILL]
    with transaction.atomic():
        picked = rules_apply([arrival_of(execution, next(iter(execution.feedback.all()), None)) for execution in past])
        audit.record(by, "rule.backfill", rule, worker=rule.worker.name, picked=picked)
    return picked
