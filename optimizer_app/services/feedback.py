"""Feedback and scores on executions: stored once each, and the rules judge the execution again."""

from collections.abc import Sequence
from uuid import UUID, uuid4

from django.db import transaction

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.measures import Measure
from optimizer_app.common.problems import Refused
from optimizer_app.engine.spec import SpecError
from optimizer_app.engine.values import coerce_all
from optimizer_app.models import Execution, Feedback, ReviewItem
from optimizer_app.privacy.redaction import Redactor
from optimizer_app.sdk.payload import FeedbackRecord
from optimizer_app.services.collection import PRIORITY, Arrival, rules_apply
from optimizer_app.services.execution_rows import Row
from optimizer_app.services.executions import Receipt, RowError
from optimizer_app.services.ingest_batches import batch_add, correction
from optimizer_app.services.workers import privacy_policy


def feedback_record(rows: Sequence[tuple[int, FeedbackRecord]], *, by: Actor, receipt: Receipt) -> Receipt:
    """Store numbered feedback in one transaction; rows about unknown executions or with wrong fields are named."""
    by.require(Capability.RECORD)
    executions = _executions([record.execution_id for _, record in rows])
    there = set(Feedback.objects.filter(uid__in=[r.id for _, r in rows]).values_list("uid", flat=True))
    made: dict[UUID, Feedback] = {}
    for number, record in rows:
        execution = executions.get(record.execution_id)
        if record.id in there or record.id in made:
            receipt.duplicates += 1
        elif execution is None:
            detail = f"There is no execution {record.execution_id}."
            receipt.errors.append(RowError(number, str(record.id), detail))
        else:
            try:
                made[record.id] = _feedback(record, execution, by)
            except SpecError as error:
                receipt.errors.append(RowError(number, str(record.id), " ".join(error.problems)))
    _store(list(made.values()))
    receipt.accepted += len(made)
    return receipt


def execution_correct(
    execution: Execution, *, by: Actor, corrected: dict[str, object] | None, score: float | None, comment: str
) -> Feedback:
    """A person's verdict on an execution, given here."""
    by.require(Capability.OPERATE)
    if corrected is None and score is None and not comment:
        raise Refused("Give a score, the right answer or a comment.")
    record = FeedbackRecord(
        id=uuid4(), execution_id=execution.uid, corrected_output=corrected, score=score, comment=comment
    )
    try:
        made = _feedback(record, execution, by)
    except SpecError as error:
        raise Refused(fields={"corrected": error.problems}) from None
    made.source = Feedback.Source.PERSON
    _store([made])
    return made


def arrival_of(execution: Execution, feedback: Feedback | None = None) -> Arrival:
    """A stored execution as the rules see it, with what was said about it."""
    body = execution.content
    row = Row(
        execution.uid, execution.worker_id, execution.version_id, execution.started_at, execution.latency_ms,
        execution.tokens_in, execution.tokens_out, execution.cost_usd, execution.success, execution.error_kind,
        execution.path, execution.model, execution.trace_id, execution.label, execution.score,
        execution.subject, "", b"",
    )  # fmt: skip
    version = execution.version.number if execution.version else None
    said = feedback.score if feedback else None
    corrected = feedback.corrected if feedback else None
    return Arrival(row, execution.worker, version, body.inputs, body.outputs, execution.metadata, said, corrected)


def _executions(uids: Sequence[UUID]) -> dict[UUID, Execution]:
    found = Execution.objects.filter(uid__in=uids).select_related("worker", "version")
    return {execution.uid: execution for execution in found.prefetch_related("worker__rules__dataset")}


def _feedback(record: FeedbackRecord, execution: Execution, by: Actor) -> Feedback:
    redactor = Redactor(privacy_policy(execution.worker))
    corrected = None
    if record.corrected_output is not None:
        fields = execution.worker.spec().outputs
        corrected = redactor.values(coerce_all(fields, {**execution.content.outputs, **record.corrected_output}))
    return Feedback(
        uid=record.id,
        execution=execution,
        source=record.source,
        name=record.name,
        score=record.score,
        corrected=corrected,
        comment=redactor.text(record.comment) if record.comment else None,
        given_by=record.given_by or by.name,
    )


def _store(made: list[Feedback]) -> None:
    if not made:
        return
    with transaction.atomic():
        # No foreign key does it where executions are partitioned: what is deleted meanwhile takes its feedback along.
        about = Execution.objects.select_for_update(no_key=True).filter(pk__in={f.execution_id for f in made})
        there = set(about.order_by("pk").values_list("pk", flat=True))
        made = [feedback for feedback in made if feedback.execution_id in there]
        Feedback.objects.bulk_create(made)
        _score([f for f in made if f.score is not None and f.source in (Feedback.Source.METRIC, Feedback.Source.JUDGE)])
        for feedback in made:
            if feedback.corrected is not None:
                _correct_waiting(feedback)
        rules_apply([arrival_of(feedback.execution, feedback) for feedback in made])


def _score(made: list[Feedback]) -> None:
    """The newest score of each execution becomes its own, and the statistics hear of the change."""
    scores = {feedback.execution_id: feedback.score for feedback in made}
    locked = Execution.objects.select_for_update().defer("body").in_bulk(scores)
    changes: list[Measure] = []
    for pk, execution in locked.items():
        changes += correction(execution, score=scores[pk])
        execution.score = scores[pk]
    Execution.objects.bulk_update(locked.values(), ["score"], batch_size=500)
    for feedback in made:
        feedback.execution.score = scores[feedback.execution_id]
    batch_add(changes)


def _correct_waiting(feedback: Feedback) -> None:
    """An item that waits for a decision takes the correction over."""
    waiting = ReviewItem.objects.filter(execution_uid=feedback.execution.uid, status=ReviewItem.Status.PENDING)
    for item in waiting.select_for_update():
        item.outputs = feedback.corrected
        item.reason = ReviewItem.Reason.CORRECTED
        item.priority = PRIORITY[ReviewItem.Reason.CORRECTED]
        item.save(update_fields=["outputs", "reason", "priority"])
