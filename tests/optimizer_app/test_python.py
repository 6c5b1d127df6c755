"""The classes for scripts and notebooks."""

import pytest

from optimizer_app.common.problems import Refused
from optimizer_app.dspy_wrapper import DSPyAgent, OptimizationFailedError
from optimizer_app.models import Run, Worker
from optimizer_app.optimization_manager import OptimizationManager
from optimizer_app.services.run_execution import run_execute
from tests.factories.workers import frozen, routing_program, routing_rows, routing_worker

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def test_an_agent_collects_optimizes_saves_and_loads() -> None:
    agent = DSPyAgent("Routing agent", program=routing_program())
    example = agent.collect_training_example({"message": "Invoice, please"}, {"team": "K1"}, {"source": "me"})
    assert example.source == "me, row 1"
    optimizer = agent.create_optimizer("BootstrapFewShotWithRandomSearch", num_candidate_programs=2)

    compiled = agent.compile_with_optimizer(training_data=routing_rows(), optimizer=optimizer, seed=3)

    assert compiled.comparison is not None
    assert compiled.comparison["difference"] > 0
    assert compiled(message="Parcel and courier failed")["team"] in ("K1", "K2", "K3")
    assert agent.load_optimized_program().version.is_baseline
    assert agent.save_optimized_program(compiled, "better on test")
    assert not agent.save_optimized_program(compiled)
    assert agent.load_optimized_program().version == compiled.version
    assert agent.load_optimized_program("v0").version.is_baseline
    assert DSPyAgent("Routing agent").newest_data() is not None


def test_an_agent_refuses_in_words() -> None:
    agent = DSPyAgent("Agent", program=routing_program())
    with pytest.raises(Refused, match="There is no optimizer called “Magic”"):
        agent.create_optimizer("Magic")
    with pytest.raises(Refused, match="Demos: 0 is outside 1 to 128"):
        agent.create_optimizer("LabeledFewShot", k=0)
    with pytest.raises(Refused, match=r"K9.*is not one of the 3 allowed values"):
        agent.collect_training_example({"message": "x"}, {"team": "K9"})
    with pytest.raises(Refused, match="Row 1: team"):
        agent.compile_with_optimizer(training_data=[{"message": "x", "team": "K9"}])
    with pytest.raises(Worker.DoesNotExist):
        DSPyAgent("Nobody")
    stranger = DSPyAgent("Stranger", program=routing_program()).load_optimized_program()
    with pytest.raises(Refused, match="is no version of Agent"):
        agent.compile_with_optimizer(stranger)


def test_a_run_without_a_winner_says_why(worker: Worker) -> None:
    agent = DSPyAgent(worker.name)
    run = Run.objects.get(
        pk=OptimizationManager().schedule_optimization(str(worker.pk), optimizer_config=_config(worker))
    )
    Run.objects.filter(pk=run.pk).update(status="failed", finish_reason="error", message="No luck.")

    with pytest.raises(OptimizationFailedError, match="ended as “Error”: No luck"):
        agent.result_of(run)


def test_the_manager_schedules_executes_and_reports(worker: Worker) -> None:
    manager = OptimizationManager()
    config = _config(worker)

    job = manager.schedule_optimization(worker.name, optimizer_config=config)
    assert manager.get_optimization_status(job).state == "queued"
    run_execute(int(job))
    done = manager.get_optimization_status(job)
    assert (done.state, done.version) == ("succeeded", 1)
    assert done.interval is not None
    assert done.improvement is not None
    assert done.interval[0] < done.improvement < done.interval[1]

    again = manager.execute_optimization(str(worker.pk))  # with the last settings
    assert again.version == 1
    metrics = manager.get_performance_metrics(worker.name)
    assert (metrics.active_version, metrics.optimizations) == (0, 2)
    assert metrics.score is not None
    assert metrics.spent_usd == 0

    other = routing_worker()
    jobs = manager.schedule_batch([worker.name, other.name], config, at_once=2)
    assert [manager.get_optimization_status(one).state for one in jobs] == ["queued", "queued"]


def test_the_manager_refuses_in_words(worker: Worker) -> None:
    manager = OptimizationManager()
    with pytest.raises(Refused, match="There is no worker “Nobody”"):
        manager.schedule_optimization("Nobody")
    with pytest.raises(Refused, match="No frozen dataset version fits"):
        manager.schedule_optimization(worker.name)
    with pytest.raises(Refused, match="starts no optimization from code"):
        manager.schedule_optimization(worker.name, "full moon")
    with pytest.raises(Refused, match="Budget: "):
        manager.schedule_optimization(worker.name, optimizer_config=_config(worker) | {"budget": {"bananas": 3}})


def _config(worker: Worker) -> dict[str, object]:
    version = frozen(worker)
    return {"optimizer": "BootstrapFewShot", "dataset_version": version.pk, "seed": 2}
