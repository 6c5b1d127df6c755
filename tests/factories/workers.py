"""People, workers, datasets and runs."""

import itertools
from typing import Any

from django.contrib.auth.models import User

from optimizer_app.common.access import SYSTEM
from optimizer_app.models import Dataset, DatasetVersion, LanguageModel, Metric, Run, Split, Worker
from optimizer_app.services.dataset_versions import dataset_freeze
from optimizer_app.services.datasets import dataset_create, examples_add
from optimizer_app.services.people import person_create
from optimizer_app.services.run_execution import run_execute
from optimizer_app.services.runs import run_create
from optimizer_app.services.workers import worker_create

TEAMS = {
    "K1": ["invoice", "payment", "refund", "price", "charge"],
    "K2": ["password", "login", "account", "access", "locked"],
    "K3": ["parcel", "delivery", "courier", "shipping", "address"],
}
PLAIN_TEAMS = {"K1": "payment", "K2": "password", "K3": "delivery"}  # words of their messages
FRAMES = [
    "My {0} and {1} failed", "Check {0} or {1}", "Question: {0}, {1}", "{0} again, {1} too", "Who knows {0} and {1}?",
    "Trouble: {0}, {1}", "Nobody answers about {0} or {1}", "{0} without {1}",
]  # fmt: skip
SHARES = {Split.TRAIN: 0.4, Split.VALIDATION: 0.3, Split.TEST: 0.3}
_names = itertools.count(1)


def person(role: str) -> User:
    return person_create(by=SYSTEM, name=f"{role}-{next(_names)}", role=role)[0]


def routing_program(**changes: Any) -> dict[str, Any]:
    step = {
        "name": "answer",
        "module": "Predict",
        "instructions": "Choose the team for the message.",
        "inputs": [{"name": "message"}],
        "outputs": [{"name": "team", "type": "enum", "options": list(TEAMS)}],
    }
    return {"steps": [step | changes]}


def two_step_program() -> dict[str, Any]:
    """Condense, then route; the team names are words that messages hold, so that some answers are right at first."""
    condense = {
        "name": "condense",
        "module": "Predict",
        "instructions": "Say in one sentence what the message is about.",
        "inputs": [{"name": "message"}],
        "outputs": [{"name": "gist"}],
    }
    route = {
        "name": "route",
        "module": "ChainOfThought",
        "instructions": "Choose the team for the message.",
        "inputs": [{"name": "gist"}],
        "outputs": [{"name": "team", "type": "enum", "options": list(PLAIN_TEAMS.values())}],
    }
    return {"steps": [condense, route]}


def routing_worker(**changes: Any) -> Worker:
    values: dict[str, Any] = {
        "name": f"Routing {next(_names)}",
        "description": "",
        "program": routing_program(),
        "language_model": LanguageModel.objects.get(name="Built-in lexical model"),
        "metric": Metric.objects.get(name="Exact match"),
    }
    return worker_create(by=SYSTEM, **(values | changes))


def routing_rows() -> list[dict[str, object]]:
    """120 different messages, 40 a team."""
    rows: list[dict[str, object]] = []
    for team, words in TEAMS.items():
        for number, word in enumerate(words):
            for frame in FRAMES:
                rows.append({"message": frame.format(word, words[number - 1]), "team": team})
    return rows


def routing_dataset(worker: Worker) -> Dataset:
    dataset = dataset_create(by=SYSTEM, name=f"Messages {next(_names)}", description="", worker=worker)
    examples_add(dataset, enumerate(routing_rows(), start=1), by=SYSTEM, source="factory")
    return dataset


def frozen(worker: Worker) -> DatasetVersion:
    return dataset_freeze(routing_dataset(worker), by=SYSTEM, shares=SHARES, stratify_by="team", seed=1)


def queued_run(worker: Worker, version: DatasetVersion | None = None, **changes: Any) -> Run:
    values: dict[str, Any] = {
        "optimizer": "BootstrapFewShotWithRandomSearch",
        "parameters": {"num_candidate_programs": 2},
        "seed": 3,
    }
    return run_create(by=SYSTEM, worker=worker, dataset_version=version or frozen(worker), **(values | changes))


def finished_run(worker: Worker, **changes: Any) -> Run:
    run = queued_run(worker, **changes)
    run_execute(run.pk)
    run.refresh_from_db()
    return run
