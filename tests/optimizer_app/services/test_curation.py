"""From executions to examples: rules, feedback, the review queue, erasure, retention."""

from datetime import timedelta

import pytest
from django.utils import timezone

from optimizer_app.common.access import SYSTEM, Actor, NotAllowed
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.models import (
    AuditEvent,
    Dataset,
    DatasetVersion,
    Example,
    Execution,
    ExecutionTag,
    Feedback,
    LanguageModel,
    ReviewItem,
    Split,
    Worker,
)
from optimizer_app.selectors.datasets import split_examples
from optimizer_app.selectors.review import queue_of
from optimizer_app.services.dataset_versions import dataset_freeze
from optimizer_app.services.datasets import dataset_create
from optimizer_app.services.feedback import execution_correct
from optimizer_app.services.retention import erase, retention_apply
from optimizer_app.services.review import (
    item_approve,
    item_from_execution,
    item_reject,
    items_decide,
    suggestions_make,
    two_people_set,
)
from optimizer_app.services.rules import rule_apply_to_past, rule_create, rule_switch
from optimizer_app.services.workers import worker_set_retention
from tests.conftest import actor
from tests.factories.executions import execution, record, recorded
from tests.factories.workers import SHARES, routing_rows

pytestmark = pytest.mark.django_db


@pytest.fixture
def dataset(worker: Worker) -> Dataset:
    return dataset_create(by=SYSTEM, name="From production", description="", worker=worker)


def test_good_answers_wait_for_review_and_become_examples(worker: Worker, dataset: Dataset, operator: Actor) -> None:
    rule_create(worker, by=operator, name="good", dataset=dataset, score_limit=0.8)
    recorded(
        worker,
        record(worker, score=0.9),
        record(worker, score=0.5),
        record(worker),
        record(worker, score=1.0, error="no", outputs={}),
        record(worker, score=1.0, outputs={"team": "K9"}),  # does not fit the fields: teaches nothing
    )
    (item,) = dataset.review_items.all()

    assert item_approve(item, by=operator, outputs={"team": "K2"})
    example = dataset.examples.get()
    assert example.outputs == {"team": "K2"}
    assert example.origin == {
        "execution": item.execution_uid.hex, "version": 0, "rule": "good", "people": ["operator"],
    }  # fmt: skip
    with pytest.raises(Conflict, match="already approved"):
        item_approve(item, by=operator)


def test_a_rule_without_review_fills_the_dataset_within_its_cap(worker: Worker, dataset: Dataset) -> None:
    rule_create(worker, by=SYSTEM, name="direct", dataset=dataset, needs_review=False, cap_per_label=3)
    rows = [record(worker) for _ in range(5)] + [record(worker, outputs={"team": "K2"}) for _ in range(2)]
    recorded(worker, *rows)
    recorded(worker, *rows)  # sent again: nothing new
    recorded(worker, record(worker, inputs=rows[0].inputs))  # the same question and answer

    assert sorted(example.outputs["team"] for example in dataset.examples.all()) == ["K1"] * 3 + ["K2"] * 2


def test_samples_are_drawn_from_the_id(worker: Worker, dataset: Dataset) -> None:
    rule_create(worker, by=SYSTEM, name="some", dataset=dataset, sample_percent=25)
    recorded(worker, *[record(worker) for _ in range(400)])

    assert 60 <= dataset.review_items.count() <= 140


def test_failures_and_disliked_answers_become_cases(worker: Worker, dataset: Dataset, operator: Actor) -> None:
    rule_create(worker, by=operator, name="bad", dataset=dataset, kind="failure", score_limit=0.3, feedback_limit=0.5)
    failed = execution(worker, error="x", outputs={})
    low = execution(worker, score=0.1)
    fine = execution(worker, score=0.9)
    disliked = execution(worker)
    execution_correct(disliked, by=operator, corrected=None, score=0.0, comment="no")

    assert set(dataset.review_items.values_list("execution_uid", flat=True)) == {failed.uid, low.uid, disliked.uid}
    assert fine.uid not in set(dataset.review_items.values_list("execution_uid", flat=True))
    with pytest.raises(Refused):  # a failure has no answer yet
        item_approve(dataset.review_items.get(execution_uid=failed.uid), by=operator)


def test_a_correction_moves_to_the_front_with_the_right_answer(
    worker: Worker, dataset: Dataset, operator: Actor
) -> None:
    rule_create(worker, by=operator, name="good", dataset=dataset)
    first, second = execution(worker), execution(worker)
    execution_correct(second, by=operator, corrected={"team": "K3"}, score=None, comment="")

    queue = queue_of(dataset, for_person="operator")
    assert [item.execution_uid for item in queue.items] == [second.uid, first.uid]
    assert queue.items[0].outputs == {"team": "K3"}
    assert Feedback.objects.get().source == "person"
    with pytest.raises(Refused, match="allowed values"):
        execution_correct(first, by=operator, corrected={"team": "K9"}, score=None, comment="")


def test_answers_that_disagree_are_shown_first(worker: Worker, dataset: Dataset) -> None:
    rule_create(worker, by=SYSTEM, name="good", dataset=dataset)
    one = execution(worker, inputs={"message": "my invoice"})
    execution(worker)
    other = execution(worker, inputs={"message": "my invoice"}, outputs={"team": "K2"})

    front = [item.execution_uid for item in queue_of(dataset, for_person="x").items][:2]
    assert set(front) == {one.uid, other.uid}


def test_two_people_have_to_agree(worker: Worker, dataset: Dataset, operator: Actor, approver: Actor) -> None:
    two_people_set(dataset, by=approver, wanted=True)
    rule_create(worker, by=operator, name="good", dataset=dataset)
    execution(worker)
    item = dataset.review_items.get()

    assert not item_approve(item, by=operator)
    assert queue_of(dataset, for_person="operator").items == []
    with pytest.raises(Conflict, match="second person"):
        item_approve(item, by=operator)
    assert not item_approve(item, by=approver, outputs={"team": "K2"})  # another answer starts over
    assert item_approve(item, by=operator)
    assert dataset.examples.get().origin["people"] == ["approver", "operator"]


def test_many_are_decided_at_once(worker: Worker, dataset: Dataset, operator: Actor) -> None:
    rule_create(worker, by=operator, name="good", dataset=dataset)
    recorded(worker, *[record(worker) for _ in range(6)])
    ids = list(dataset.review_items.values_list("id", flat=True))

    assert items_decide(dataset, ids[:4], by=operator, approve=True) == (4, [])
    assert items_decide(dataset, ids, by=operator, approve=False) == (2, [])
    assert (dataset.examples.count(), dataset.review_items.filter(status="rejected").count()) == (4, 2)
    with pytest.raises(NotAllowed):
        item_reject(ReviewItem.objects.all()[0], by=actor("viewer"))


def test_a_language_models_opinion_is_marked_and_decides_nothing(worker: Worker, dataset: Dataset) -> None:
    rule_create(worker, by=SYSTEM, name="good", dataset=dataset)
    execution(worker)
    model = LanguageModel.objects.get()

    assert suggestions_make(dataset.pk, model.pk) == 1
    item = dataset.review_items.get()
    assert item.suggested_by == f"LM judge {model.name}"
    assert set(item.suggestion) == {"team"}
    assert item.status == "pending"
    assert not dataset.examples.exists()


def test_rules_rest_and_can_look_back(worker: Worker, dataset: Dataset, operator: Actor) -> None:
    rule = rule_create(worker, by=operator, name="good", dataset=dataset)
    rule_switch(rule, by=operator, enabled=False)
    stored = execution(worker)
    assert not dataset.review_items.exists()
    rule_switch(rule, by=operator, enabled=True)

    assert rule_apply_to_past(rule, by=operator) == 1
    assert dataset.review_items.get().execution_uid == stored.uid
    with pytest.raises(Conflict, match="already sent"):
        item_from_execution(stored, dataset, by=operator)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"name": ""}, "name"), ({"sample_percent": 0}, "sample_percent"), ({"score_limit": 2}, "score_limit")],
)
def test_impossible_rules_are_refused(worker: Worker, dataset: Dataset, changes: dict[str, object], field: str) -> None:
    values: dict[str, object] = {"name": "r", "dataset": dataset}
    with pytest.raises(Refused) as refused:
        rule_create(worker, by=SYSTEM, **(values | changes))  # type: ignore[arg-type]
    assert set(refused.value.fields) == {field}


def test_retention_deletes_by_age_and_number(worker: Worker, approver: Actor) -> None:
    old = execution(worker, started_at=timezone.now() - timedelta(days=40), metadata={"a": 1})
    recorded(worker, *[record(worker) for _ in range(10)])
    assert retention_apply() == 0

    worker_set_retention(worker, by=approver, days=30, count=None)
    retention_apply()
    assert not Execution.objects.filter(pk=old.pk).exists()
    assert not ExecutionTag.objects.exists()
    worker_set_retention(worker, by=approver, days=None, count=3)
    assert retention_apply() == 7
    newest = Execution.objects.order_by("-started_at")
    assert newest.count() == 3


def test_erasure_reaches_everything_of_a_person_and_keeps_frozen_hashes(
    worker: Worker, dataset: Dataset, admin: Actor
) -> None:
    rule_create(worker, by=SYSTEM, name="direct", dataset=dataset, needs_review=False)
    rows = [record(worker, inputs={"message": row["message"]}, outputs={"team": row["team"]}) for row in routing_rows()]
    recorded(worker, *rows, record(worker, subject="customer 7", inputs={"message": "secret of customer 7"}))
    version = dataset_freeze(dataset, by=SYSTEM, shares=SHARES, stratify_by="team", seed=1)
    recorded(worker, record(worker, subject="customer 7", inputs={"message": "later words of customer 7"}))

    erased = erase(by=admin, subject="customer 7")

    assert (erased.executions, erased.examples, erased.frozen) == (2, 1, 1)
    same = DatasetVersion.objects.get(pk=version.pk)
    assert (same.content_hash, sum(same.counts.values())) == (version.content_hash, 121)
    empty = Example.objects.exclude(erased_at=None).get()
    assert (empty.inputs, empty.outputs, empty.subject) == ({}, {}, "")
    assert sum(split_examples(version, split).count() for split in Split) == 120
    assert dataset_freeze(dataset, by=SYSTEM, shares=SHARES, stratify_by="team", seed=1).pk != version.pk
    assert "customer" not in str(AuditEvent.objects.get(verb="data.erase").data)
    with pytest.raises(Refused, match="Nothing is stored"):
        erase(by=admin, subject="customer 7")
    with pytest.raises(NotAllowed):
        erase(by=actor("approver"), subject="x")


def test_one_execution_can_be_erased(worker: Worker, dataset: Dataset, admin: Actor) -> None:
    rule_create(worker, by=SYSTEM, name="good", dataset=dataset)
    one, other = execution(worker), execution(worker)

    erased = erase(by=admin, execution_uid=one.uid)

    assert (erased.executions, erased.review_items) == (1, 1)
    assert Execution.objects.get() == other
