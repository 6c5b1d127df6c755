"""The review queue: people say which executions become examples, and with which answer."""

from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.db.models import F

from optimizer_app import jobs
from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.common.queue import enqueue
from optimizer_app.engine.matching import as_text
from optimizer_app.engine.spec import TUNED, SpecError
from optimizer_app.engine.values import coerce_all
from optimizer_app.models import Dataset, Execution, LanguageModel, ReviewItem
from optimizer_app.selectors.datasets import datasets_for, passages_of, workers_of
from optimizer_app.services import audit
from optimizer_app.services.artifacts import artifacts_folder
from optimizer_app.services.collection import examples_from, review_item
from optimizer_app.services.feedback import arrival_of
from optimizer_app.services.language_models import connection_of

Pending = ReviewItem.Status.PENDING
SUGGESTED_AT_ONCE = 200


def item_approve(item: ReviewItem, *, by: Actor, outputs: Mapping[str, object] | None = None) -> bool:
    """Approve with the answer as it stands, or with another. Where the dataset asks for two people, the first one's
    approval waits for a second person who leaves the answer as it is. True once the example is in the dataset."""
    by.require(Capability.OPERATE)
    with transaction.atomic():
        locked = ReviewItem.objects.select_for_update(of=("self",)).select_related("dataset", "rule").get(pk=item.pk)
        if locked.status != Pending:
            raise Conflict(f"This was already {locked.get_status_display().lower()} by {locked.decided_by}.")
        answer = _answer(locked, outputs)
        if answer != locked.outputs:
            locked.outputs, locked.approvals = answer, []
            locked.label = _label(locked.dataset, answer)
        if by.name in locked.approvals:
            raise Conflict("You have approved this already; a second person has to agree.")
        locked.approvals = [*locked.approvals, by.name]
        if locked.dataset.two_people and len(locked.approvals) < 2:
            locked.save(update_fields=["outputs", "label", "approvals"])
            audit.record(by, "review.first", locked, dataset=locked.dataset.name)
            return False
        locked.status, locked.decided_by = ReviewItem.Status.APPROVED, " and ".join(locked.approvals)[:150]
        locked.save(update_fields=["outputs", "label", "approvals", "status", "decided_by"])
        examples_from(locked.dataset, [locked], people=locked.approvals)
        audit.record(by, "review.approve", locked, dataset=locked.dataset.name)
    return True


def item_reject(item: ReviewItem, *, by: Actor) -> None:
    """Keep it out of the dataset. The execution itself stays."""
    by.require(Capability.OPERATE)
    with transaction.atomic():
        decided = ReviewItem.objects.filter(pk=item.pk, status=Pending)
        if not decided.update(status=ReviewItem.Status.REJECTED, decided_by=by.name):
            raise Conflict("This was already decided.")
        audit.record(by, "review.reject", item, dataset=item.dataset.name)


def items_decide(dataset: Dataset, ids: Iterable[int], *, by: Actor, approve: bool) -> tuple[int, list[str]]:
    """Decide on many; how many, and sentences about those that could not be."""
    by.require(Capability.OPERATE)
    done, problems = 0, []
    for item in dataset.review_items.filter(pk__in=list(ids), status=Pending):
        try:
            if approve:
                item_approve(item, by=by)
            else:
                item_reject(item, by=by)
            done += 1
        except Refused as refused:
            problems.append(f"{item}: {refused}")
    return done, problems


def item_from_execution(execution: Execution, dataset: Dataset, *, by: Actor) -> ReviewItem:
    """Send one execution to the queue by hand."""
    by.require(Capability.OPERATE)
    if dataset not in datasets_for(execution.worker):
        raise Refused(f"{dataset.name} has other fields than {execution.worker.name}.")
    with transaction.atomic():
        if dataset.review_items.filter(execution_uid=execution.uid).exists():
            raise Conflict(f"This execution was already sent to the review of {dataset.name}.")
        item = review_item(None, arrival_of(execution), dataset.pk, ReviewItem.Reason.PERSON)
        item.save()
        audit.record(by, "review.send", item, dataset=dataset.name)
    return item


def two_people_set(dataset: Dataset, *, by: Actor, wanted: bool) -> None:
    """Whether the dataset's queue takes two people to approve."""
    by.require(Capability.APPROVE)
    with transaction.atomic():
        dataset.two_people = wanted
        dataset.save(update_fields=["two_people"])
        audit.record(by, "dataset.two_people", dataset, wanted=wanted)


def suggestions_ask(dataset: Dataset, model: LanguageModel, *, by: Actor) -> int:
    """Have a language model propose answers for what waits, in the background; for how many."""
    by.require(Capability.OPERATE)
    waiting = dataset.review_items.filter(status=Pending, suggested_by="").count()
    if not waiting:
        raise Conflict("Nothing waits without a suggestion.")
    if not workers_of(dataset):
        raise Refused("No worker has the fields of this dataset, so there is no program to ask with.")
    with transaction.atomic():
        audit.record(by, "review.suggest", dataset, model=model.name, waiting=waiting)
        enqueue(jobs.REVIEW_SUGGEST, dataset_id=dataset.pk, model_id=model.pk)
    return min(waiting, SUGGESTED_AT_ONCE)


def suggestions_make(dataset_id: int, model_id: int) -> int:
    """Ask the model, with the worker's active version, about up to SUGGESTED_AT_ONCE items; how many it answered."""
    from optimizer_app.engine import serving
    from optimizer_app.engine.lms import Connection

    dataset, model = Dataset.objects.get(pk=dataset_id), LanguageModel.objects.get(pk=model_id)
    worker = workers_of(dataset)[0]
    program, connection = worker.spec(), Connection(**connection_of(model))
    passages, folder = passages_of(program), artifacts_folder()
    # without the fine-tuned model of the version, which would answer in place of the judge
    state = {k: v for k, v in (worker.active_version.state if worker.active_version else {}).items() if k != TUNED}
    answered = 0
    waiting = dataset.review_items.filter(status=Pending, suggested_by="").select_related("rule")
    for item in waiting[:SUGGESTED_AT_ONCE]:
        served = serving.predict(program, state, connection, item.inputs, passages, folder)
        if served.error:
            continue
        differs = any(as_text(served.outputs.get(k)) != as_text(v) for k, v in item.outputs.items())
        answered += ReviewItem.objects.filter(pk=item.pk, status=Pending).update(
            suggestion=served.outputs,
            suggested_by=f"LM judge {model.name}"[:150],
            priority=F("priority") + (2 if differs else 0),  # two opinions: a person should look here first
        )
    return answered


def _answer(item: ReviewItem, outputs: Mapping[str, object] | None) -> dict[str, Any]:
    fields = item.dataset.output_fields()
    try:
        values = coerce_all(fields, {**item.outputs, **(outputs or {})})
    except SpecError as error:
        raise Refused(fields={"outputs": error.problems}) from None
    return {field.name: values[field.name] for field in fields}


def _label(dataset: Dataset, outputs: Mapping[str, Any]) -> str:
    closed = [field.name for field in dataset.output_fields() if field.type in ("enum", "bool")]
    return as_text(outputs[closed[0]])[:200] if closed else ""
