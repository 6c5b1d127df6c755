"""Composite, schema, judge and code metrics through the services, and agreement."""

import pytest

from optimizer_app.common.access import Actor
from optimizer_app.common.problems import Refused
from optimizer_app.models import ExampleScore, LanguageModel, Metric, Worker
from optimizer_app.services.agreement import agreement, agreement_page
from optimizer_app.services.metrics import metric_create, metric_try, verdict_set
from tests.factories.workers import finished_run, routing_dataset, routing_worker

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def create(by: Actor, **values: object) -> Metric:
    given = {"name": "New", "description": "", "field": "", "parameters": {}} | values
    return metric_create(by=by, **given)  # type: ignore[arg-type]


def test_a_composite_is_made_of_others_and_optimizes(operator: Actor) -> None:
    exact, f1 = Metric.objects.get(name="Exact match"), Metric.objects.get(name="Token F1")
    parts = [{"metric": exact.pk, "weight": 2, "required": True}, {"metric": f1.pk, "weight": 1}]
    metric = create(operator, kind="composite", parts=parts)

    assert [part.name for part in metric.spec().parts] == ["Exact match", "Token F1"]
    run = finished_run(routing_worker(metric=metric))
    assert run.winner is not None, run.message


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"kind": "composite", "parts": []}, "1 to 8 parts"),
        ({"kind": "composite", "parts": [{"metric": 999_999}]}, "names a metric that does not exist"),
        ({"kind": "json_schema"}, "checks one output; name it"),
        ({"kind": "json_schema", "field": "x", "parameters": {"schema": "{"}}, "JSON schema:"),
        ({"kind": "json_schema", "field": "x", "parameters": {"schema": '{"type": 5}'}}, "JSON schema:"),
        (
            {"kind": "json_schema", "field": "x", "parameters": {"schema": '{"$ref": "http://a/b"}'}},
            "points outside",
        ),
        ({"kind": "judge"}, "Choose the language model"),
        ({"kind": "nonsense"}, "no kind of metric"),
    ],
)
def test_what_cannot_work_is_refused(values: dict[str, object], said: str, operator: Actor) -> None:
    with pytest.raises(Refused, match=said):
        create(operator, **values)


def test_composites_do_not_nest(operator: Actor) -> None:
    inner = create(operator, kind="composite", parts=[{"metric": Metric.objects.all()[0].pk}])
    with pytest.raises(Refused, match="cannot be part of another"):
        create(operator, name="Outer", kind="composite", parts=[{"metric": inner.pk}])


def test_a_judge_scores_examples_and_agreement_with_people_is_shown(worker: Worker, operator: Actor) -> None:
    judge = create(
        operator, kind="judge", field="team", parameters={"rubric": "Same team."}, judge=LanguageModel.objects.all()[0]
    )
    trials = metric_try(judge, routing_dataset(worker).examples.all()[:6])
    assert all(trial.right.value == 1 for trial in trials)
    run = finished_run(worker)
    exact = Metric.objects.get(name="Exact match")

    before = agreement_page(judge, worker, exact, by=operator)
    assert before.with_people is None
    assert before.with_other is not None
    assert before.with_other.n == len(before.answers)
    for answer in before.answers[:6]:
        verdict_set(answer.row, by=operator, right=answer.row.score == 1)
    verdict_set(before.answers[0].row, by=operator, right=before.answers[0].row.score == 1)

    after = agreement_page(judge, worker, None, by=operator)
    assert after.with_people is not None
    assert after.with_people.n == 6
    assert run.comparison
    assert ExampleScore.objects.filter(verdicts__isnull=False).count() == 6


def test_agreement_numbers() -> None:
    # Cohen (1960): 20 yes-yes, 5 yes-no, 10 no-yes, 15 no-no give kappa 0.4
    first = [1.0] * 25 + [0.0] * 25
    second = [1.0] * 20 + [0.0] * 5 + [1.0] * 10 + [0.0] * 15
    found = agreement(first, second)
    assert (found.n, found.share) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)

    same = agreement([1, 1], [1, 1])
    assert (same.share, same.kappa, same.rank) == (1, None, None)
    assert agreement([0.1, 0.5, 0.9], [0.2, 0.3, 0.8]).rank == pytest.approx(1)
    assert agreement([0.1, 0.5, 0.9], [0.8, 0.3, 0.2]).rank == pytest.approx(-1)
