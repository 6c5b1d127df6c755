"""Rules that pick executions for datasets, judged when an execution arrives and again when feedback does."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from optimizer_app.common.access import SYSTEM
from optimizer_app.engine.spec import SpecError, content_hash
from optimizer_app.engine.values import coerce_all
from optimizer_app.models import CollectionRule, Example, ReviewItem, Worker
from optimizer_app.services.datasets import examples_add
from optimizer_app.services.execution_rows import Row

# What a person should see first: corrections, then failures, then what two answers disagree about.
PRIORITY = {
    ReviewItem.Reason.CORRECTED: 3.0,
    ReviewItem.Reason.DISAGREEMENT: 2.0,
    ReviewItem.Reason.FAILURE: 1.5,
    ReviewItem.Reason.PERSON: 1.0,
    ReviewItem.Reason.RULE: 0.0,
}


@dataclass(frozen=True)
class Arrival:
    """An execution as it is stored, with its redacted values at hand. `feedback` is the newest score from people."""

    row: Row
    worker: Worker
    version: int | None
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    metadata: dict[str, Any]
    feedback: float | None = None
    corrected: dict[str, Any] | None = None


def rules_apply(arrivals: Sequence[Arrival]) -> int:
    """Queue or add what the rules of the arrivals' workers pick; how many. Inside the caller's transaction."""
    picked = 0
    by_worker: dict[int, list[Arrival]] = {}
    for arrival in arrivals:
        by_worker.setdefault(arrival.worker.pk, []).append(arrival)
    for arrived in by_worker.values():
        for rule in arrived[0].worker.rules.all():
            if rule.enabled:
                picked += _apply(rule, [arrival for arrival in arrived if rule_wants(rule, arrival)])
    return picked


def rule_wants(rule: CollectionRule, arrival: Arrival) -> bool:
    """Whether the rule's conditions hold. Sampling is drawn from the execution's id: the same answer every time."""
    if not sampled(arrival.row.uid, rule.sample_percent):
        return False
    score, feedback = arrival.row.score, arrival.feedback
    if rule.kind == CollectionRule.Kind.FAILURE:
        low = rule.score_limit is not None and score is not None and score < rule.score_limit
        disliked = rule.feedback_limit is not None and feedback is not None and feedback < rule.feedback_limit
        return not arrival.row.success or low or disliked
    if arrival.corrected is not None:
        return True
    return (
        arrival.row.success
        and (rule.score_limit is None or (score is not None and score >= rule.score_limit))
        and (rule.feedback_limit is None or (feedback is not None and feedback >= rule.feedback_limit))
    )


def sampled(uid: UUID, percent: float) -> bool:
    """Whether an id falls into the sample."""
    return percent >= 100 or int.from_bytes(hashlib.sha256(uid.bytes).digest()[:4], "big") < percent / 100 * 2**32


def review_item(rule: CollectionRule | None, arrival: Arrival, dataset_id: int, reason: str) -> ReviewItem:
    """An item for the queue, not yet saved. The proposed answer is the correction, if there is one."""
    uncertain = 0.0 if arrival.row.score is None else 1 - abs(2 * arrival.row.score - 1)
    return ReviewItem(
        dataset_id=dataset_id,
        execution_uid=arrival.row.uid,
        version_number=arrival.version,
        rule=rule,
        reason=reason,
        inputs=arrival.inputs,
        outputs=arrival.corrected if arrival.corrected is not None else arrival.outputs,
        label=arrival.row.label,
        score=arrival.row.score,
        input_hash=content_hash(arrival.inputs),
        subject=arrival.row.subject,
        priority=PRIORITY[ReviewItem.Reason(reason)] + uncertain,
    )


def origin_of(item: ReviewItem, people: Sequence[str]) -> dict[str, Any]:
    """Where an example came from."""
    rule = item.rule.name if item.rule else None
    return {"execution": item.execution_uid.hex, "version": item.version_number, "rule": rule, "people": list(people)}


def _apply(rule: CollectionRule, wanted: list[Arrival]) -> int:
    fields = (*rule.dataset.input_fields(), *rule.dataset.output_fields())
    names = {field.name for field in rule.dataset.input_fields()}
    items = []
    for arrival in wanted:
        item = review_item(rule, arrival, rule.dataset_id, _reason(rule, arrival))
        item.inputs = {name: value for name, value in item.inputs.items() if name in names}
        if rule.kind == CollectionRule.Kind.GOOD:
            try:
                values = coerce_all(fields, {**item.inputs, **item.outputs})
            except SpecError:
                continue  # the quality filter: an answer that does not fit the fields teaches nothing
            item.outputs = {field.name: values[field.name] for field in rule.dataset.output_fields()}
        item.input_hash = content_hash(item.inputs)
        items.append(item)
    items = _within_caps(rule, _fresh(rule, items))
    straight = not rule.needs_review and rule.kind == CollectionRule.Kind.GOOD
    for item in items if straight else ():
        item.status, item.decided_by = ReviewItem.Status.APPROVED, f"rule {rule.name}"
    ReviewItem.objects.bulk_create(items, ignore_conflicts=True, batch_size=200)
    if straight:
        examples_from(rule.dataset, items, people=[])
    _mark_disagreements(rule, items)
    return len(items)


def examples_from(dataset: Any, items: Sequence[ReviewItem], *, people: Sequence[str]) -> int:
    """Add items to their dataset, with where they came from; how many were new."""
    rows = [(number, {**item.inputs, **item.outputs}) for number, item in enumerate(items)]
    origins = {
        number: {"origin": origin_of(item, people), "execution_uid": item.execution_uid, "subject": item.subject}
        for number, item in enumerate(items)
    }
    return examples_add(dataset, rows, by=SYSTEM, source="executions", origins=origins).added


def _reason(rule: CollectionRule, arrival: Arrival) -> str:
    if arrival.corrected is not None:
        return ReviewItem.Reason.CORRECTED
    return ReviewItem.Reason.FAILURE if rule.kind == CollectionRule.Kind.FAILURE else ReviewItem.Reason.RULE


def _fresh(rule: CollectionRule, items: list[ReviewItem]) -> list[ReviewItem]:
    """Without inputs that the dataset or its queue holds already; answers that differ are kept, as disagreements."""
    hashes = [item.input_hash for item in items]
    known = set(
        Example.objects.filter(dataset=rule.dataset_id, input_hash__in=hashes).values_list("input_hash", flat=True)
    )
    queued: dict[str, str] = dict(
        ReviewItem.objects.filter(dataset=rule.dataset_id, input_hash__in=hashes).values_list("input_hash", "label")
    )
    fresh = []
    for item in items:
        if item.input_hash in known and item.reason != ReviewItem.Reason.CORRECTED:
            continue
        if item.input_hash in queued and queued[item.input_hash] == item.label:
            continue
        if item.input_hash in queued and item.label:
            item.reason = ReviewItem.Reason.DISAGREEMENT
            item.priority += PRIORITY[ReviewItem.Reason.DISAGREEMENT]
        queued[item.input_hash] = item.label
        fresh.append(item)
    return fresh


def _mark_disagreements(rule: CollectionRule, items: list[ReviewItem]) -> None:
    """Items that wait already with another answer to the same input move up beside the new ones."""
    hashes = [item.input_hash for item in items if item.reason == ReviewItem.Reason.DISAGREEMENT]
    if hashes:
        waiting = ReviewItem.objects.filter(
            dataset=rule.dataset_id,
            input_hash__in=hashes,
            status=ReviewItem.Status.PENDING,
            reason=ReviewItem.Reason.RULE,
        )
        waiting.update(reason=ReviewItem.Reason.DISAGREEMENT, priority=PRIORITY[ReviewItem.Reason.DISAGREEMENT])


def _within_caps(rule: CollectionRule, items: list[ReviewItem]) -> list[ReviewItem]:
    if rule.cap_per_label is None or not items:
        return items
    labels = ReviewItem.objects.filter(rule=rule).exclude(status=ReviewItem.Status.REJECTED)
    counts = Counter(labels.filter(label__in={item.label for item in items}).values_list("label", flat=True))
    kept = []
    for item in items:
        if counts[item.label] < rule.cap_per_label:
            counts[item.label] += 1
            kept.append(item)
    return kept
