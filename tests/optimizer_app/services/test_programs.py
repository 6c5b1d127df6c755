"""Workers whose programs have passages, tools, code or a tuned model."""

import dspy
import pytest

from optimizer_app import sdk
from optimizer_app.common.access import SYSTEM, Actor
from optimizer_app.common.problems import Refused
from optimizer_app.models import Artifact, LanguageModel, Metric, Worker
from optimizer_app.sdk.registry import Registry
from optimizer_app.services.artifacts import artifact_unpack, artifacts_folder
from optimizer_app.services.dataset_versions import dataset_freeze
from optimizer_app.services.datasets import dataset_create, examples_add
from optimizer_app.services.samples import sample_load, sample_names
from optimizer_app.services.serving import predict
from optimizer_app.services.versions import version_promote
from optimizer_app.services.workers import workers_from_code
from tests.factories.workers import TEAMS, finished_run, frozen, routing_program, routing_worker

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def test_a_tuned_version_is_stored_encrypted_promoted_and_served(worker: Worker, approver: Actor) -> None:
    run = finished_run(worker, version=frozen(worker), optimizer="BootstrapFinetune", parameters={})
    assert run.winner is not None, run.message
    artifact = Artifact.objects.get()
    assert run.winner.artifact == artifact
    assert b"weights" not in bytes(artifact.body)

    version_promote(run.winner, by=approver)
    worker.refresh_from_db()
    served = predict(worker, by=SYSTEM, inputs={"message": "My invoice and refund failed"})

    assert not served.error
    assert served.outputs == {"team": "K1"}
    folder = artifacts_folder() / artifact.name
    assert (folder / "weights.json").exists()
    artifact_unpack(artifact, artifacts_folder())


def test_a_second_run_to_the_same_weights_stores_them_once(worker: Worker) -> None:
    version = frozen(worker)
    first = finished_run(worker, version=version, optimizer="BootstrapFinetune", parameters={})
    second = finished_run(worker, version=version, optimizer="BootstrapFinetune", parameters={})

    assert first.winner == second.winner
    assert Artifact.objects.count() == 1


def test_a_model_that_cannot_be_trained_is_refused_before_a_call(worker: Worker) -> None:
    worker.language_model = LanguageModel.objects.create(name="Claude", model="anthropic/claude")
    worker.save(update_fields=["language_model"])

    with pytest.raises(Refused, match="Claude cannot be fine-tuned"):
        finished_run(worker, version=frozen(worker), optimizer="BootstrapFinetune", parameters={})


def test_passages_are_frozen_whole_and_searched(operator: Actor) -> None:
    passages = dataset_create(by=operator, name="Town", description="", worker=None)
    texts = ("The library opens at nine.", "Trams stop at midnight.")
    rows: list[tuple[int, dict[str, object]]] = [(n, {"passage": text}) for n, text in enumerate(texts)]
    examples_add(passages, rows, by=operator, source="test")
    version = dataset_freeze(passages, by=operator, shares={}, stratify_by="", seed=0)
    assert version.counts == {"train": 2, "validation": 0, "test": 0}
    steps: list[dict[str, object]] = [
        {
            "name": "find", "module": "Retrieve", "instructions": "", "passages": version.content_hash, "k": 1,
            "inputs": [{"name": "question"}], "outputs": [{"name": "found", "type": "list[str]"}],
        },
        {
            "name": "answer", "module": "Predict", "instructions": "Answer from what was found.",
            "inputs": [{"name": "found", "type": "list[str]"}], "outputs": [{"name": "answer"}],
        },
    ]  # fmt: skip
    worker = routing_worker(program={"steps": steps})

    served = predict(worker, by=SYSTEM, inputs={"question": "When do trams stop?"})

    assert not served.error
    assert "midnight" in served.outputs["answer"]
    steps[0]["passages"] = "0" * 64
    with pytest.raises(Refused, match="its dataset of passages does not exist"):
        routing_worker(program={"steps": steps})


def test_unknown_tools_and_code_are_refused() -> None:
    with pytest.raises(Refused, match="there is no tool called “shell”"):
        routing_worker(program=routing_program(module="ReAct", tools=["shell"]))
    with pytest.raises(Refused, match=r"No code registers the worker “os\.system”"):
        routing_worker(program=routing_program() | {"code": "os.system"})


def test_workers_from_code_are_made_once(registry: Registry) -> None:
    @sdk.dspy_worker(
        "Sorter", inputs=[{"name": "message"}], outputs=[{"name": "team", "type": "enum", "options": list(TEAMS)}]
    )
    class Sorter(dspy.Module):
        """Sorts messages."""

        def __init__(self) -> None:
            super().__init__()
            self.choose = dspy.Predict("message -> team")

        def forward(self, message: str) -> dspy.Prediction:
            return self.choose(message=message)

    (made,) = workers_from_code(by=SYSTEM)

    assert workers_from_code(by=SYSTEM) == []
    assert made.description == "Sorts messages."
    assert made.versions.get().state == {
        "choose": {"instructions": "Given the fields `message`, produce the fields `team`.", "demos": []}
    }
    run = finished_run(made, version=frozen(made))
    assert run.winner is not None, run.message


@pytest.mark.parametrize("name", sample_names())
def test_every_example_loads_and_can_be_optimized(name: str) -> None:
    sample = sample_load(name, by=SYSTEM)

    run = finished_run(sample.worker, version=sample.version, optimizer="LabeledFewShot", parameters={"k": 8})

    assert run.winner is not None, run.message
    assert not any(evaluation.errors for evaluation in run.evaluations.all())
    with pytest.raises(Refused, match="already"):
        sample_load(name, by=SYSTEM)


def test_a_refused_example_leaves_nothing_behind() -> None:
    Metric.objects.filter(name="Exact match").update(field="other")
    with pytest.raises(Refused, match="scores the field “other”"):
        sample_load("retrieved-passages", by=SYSTEM)

    assert not Worker.objects.exists()
    with pytest.raises(Refused, match="There is no example called"):
        sample_load("../secret", by=SYSTEM)
