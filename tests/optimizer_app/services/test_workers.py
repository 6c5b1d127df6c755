"""Creating and changing workers."""

import pytest

from optimizer_app.common.access import Actor, NotAllowed
from optimizer_app.common.problems import Refused
from optimizer_app.engine.programs import state_hash
from optimizer_app.models import LanguageModel, Metric, Promotion, Worker
from optimizer_app.services.metrics import metric_create
from optimizer_app.services.workers import worker_create, worker_update
from tests.conftest import actor
from tests.factories.workers import routing_program, routing_worker

pytestmark = pytest.mark.django_db


def test_a_new_worker_answers_with_its_baseline() -> None:
    worker = routing_worker()

    version = worker.active_version
    assert version is not None
    assert (version.number, version.is_baseline) == (0, True)
    assert version.fingerprint == state_hash(worker.spec(), version.state)
    assert worker.promotions.get().kind == Promotion.Kind.INITIAL


def test_a_broken_program_creates_nothing(operator: Actor) -> None:
    with pytest.raises(Refused) as refused:
        worker_create(
            by=operator,
            name="Broken",
            description="",
            program=routing_program(inputs=[{"name": "demos"}]),
            language_model=LanguageModel.objects.first(),  # type: ignore[arg-type]
            metric=Metric.objects.first(),  # type: ignore[arg-type]
        )

    assert "demos" in refused.value.fields["program"][0]
    assert not Worker.objects.exists()


def test_names_are_unique(worker: Worker) -> None:
    with pytest.raises(Refused) as refused:
        routing_worker(name=worker.name)

    assert refused.value.fields.keys() == {"name"}


def test_a_metric_of_a_field_that_is_not_there_is_refused(operator: Actor) -> None:
    metric = metric_create(by=operator, name="M", description="", kind="exact_match", field="city", parameters={})

    with pytest.raises(Refused, match="city"):
        routing_worker(metric=metric)


def test_update_changes_all_but_the_program(worker: Worker, operator: Actor) -> None:
    metric = Metric.objects.get(name="Token F1")

    worker_update(worker, by=operator, name="New", description="d", language_model=worker.language_model, metric=metric)

    worker.refresh_from_db()
    assert (worker.name, worker.metric) == ("New", metric)
    assert worker.program == routing_program() | {"steps": worker.program["steps"]}


def test_viewers_change_nothing(worker: Worker) -> None:
    with pytest.raises(NotAllowed, match="viewer"):
        worker_update(
            worker,
            by=actor("viewer"),
            name="x",
            description="",
            language_model=worker.language_model,
            metric=worker.metric,
        )
