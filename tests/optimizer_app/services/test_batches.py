"""Several runs in one order: turns, shared budget, the matrix."""

import pytest

from optimizer_app.common.access import Actor
from optimizer_app.common.problems import Refused
from optimizer_app.engine.gate import Budget
from optimizer_app.models import Batch, LanguageModel, Run, Worker
from optimizer_app.selectors.batches import batch_page
from optimizer_app.services.batches import Order, batch_create, batch_stop, matrix_create
from optimizer_app.services.run_execution import run_execute
from tests.factories.workers import frozen, routing_worker

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)
SMALL = {"num_candidate_programs": 2}


def two_runs(worker: Worker, by: Actor, **changes: object) -> Batch:
    other = routing_worker()
    version = frozen(worker)
    orders = [Order(one, version, "BootstrapFewShotWithRandomSearch", SMALL) for one in (worker, other)]
    values = {"name": "Two", "orders": orders, "at_once": 1, "budget": Budget(), "seed": 1, "kind": Batch.Kind.BATCH}
    return batch_create(by=by, **(values | changes))  # type: ignore[arg-type]


def test_runs_of_a_batch_take_turns(worker: Worker, operator: Actor) -> None:
    batch = two_runs(worker, operator)
    first, second = batch.runs.order_by("id")
    Run.objects.filter(pk=first.pk).update(status=Run.Status.RUNNING)

    run_execute(second.pk)
    second.refresh_from_db()
    assert second.status == Run.Status.QUEUED

    Run.objects.filter(pk=first.pk).update(status=Run.Status.SUCCEEDED)
    run_execute(second.pk)
    second.refresh_from_db()
    assert second.status == Run.Status.SUCCEEDED


def test_a_shared_budget_is_never_exceeded(worker: Worker, operator: Actor) -> None:
    batch = two_runs(worker, operator, budget=Budget(calls=400))
    for run in batch.runs.order_by("id"):
        run_execute(run.pk)

    runs = list(batch.runs.order_by("id"))
    held_out = sum(runs[0].dataset_version.counts[split] for split in ("validation", "test"))
    searched = [run.progress["usage"]["calls"] - held_out for run in runs]
    assert all("budget of" in run.message for run in runs)
    assert sum(searched) <= 400
    assert searched[0] == 200


def test_a_batch_is_queued_whole_or_not_at_all(worker: Worker, operator: Actor) -> None:
    version = frozen(worker)
    orders = [Order(worker, version, "BootstrapFewShot", {}), Order(worker, version, "Nonsense", {})]
    with pytest.raises(Refused, match=r"Nonsense.*There is no optimizer"):
        two_runs(worker, operator, orders=orders)

    assert not Run.objects.exists()
    assert not Batch.objects.exists()


def test_a_batch_can_be_stopped(worker: Worker, operator: Actor) -> None:
    batch = two_runs(worker, operator)

    assert batch_stop(batch, by=operator) == 2
    assert all(run.ended for run in batch.runs.all())


def test_a_matrix_finds_the_cheapest_of_the_best(worker: Worker, operator: Actor) -> None:
    cheap = worker.language_model
    dear = LanguageModel.objects.create(name="Dear", model="offline/lexical-1", price_in=5, price_out=5)
    LanguageModel.objects.filter(pk=cheap.pk).update(price_in=1, price_out=1)
    cheap.refresh_from_db()
    batch = matrix_create(
        by=operator, name="M", worker=worker, dataset_version=frozen(worker), models=[dear, cheap],
        optimizers=["LabeledFewShot", "BootstrapFewShot"], at_once=1, budget=Budget(), seed=1,
    )  # fmt: skip
    assert batch_page(batch).matrix is not None
    for run in batch.runs.order_by("id"):
        run_execute(run.pk)

    page = batch_page(batch)
    assert page.matrix is not None
    assert page.matrix.models == ["Dear", cheap.name]
    assert page.matrix.optimizers == ["LabeledFewShot", "BootstrapFewShot"]
    cells = [cell for row in page.matrix.cells.values() for cell in row.values()]
    assert all(cell.numbers and cell.cost for cell in cells)
    winner = page.matrix.winner
    assert winner is not None
    assert winner.run.language_model == cheap
    # the same scores at five times the price are never on the front
    assert not any(cell.on_front for cell in page.matrix.cells["Dear"].values())
    assert winner.on_front
    assert page.spent["cost_usd"] == pytest.approx(sum(cell.spent or 0 for cell in cells))
