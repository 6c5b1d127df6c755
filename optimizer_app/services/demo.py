"""The demo: three workers on data of our own, each optimized once, for real, on this machine."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optimizer_app.common.access import SYSTEM
from optimizer_app.engine.offline import BUILT_IN
from optimizer_app.models import LanguageModel, Metric, Run, Split, Worker
from optimizer_app.services.dataset_versions import DEFAULT_SHARES, dataset_freeze
from optimizer_app.services.datasets import dataset_create, examples_add
from optimizer_app.services.runs import run_create
from optimizer_app.services.workers import worker_create

FOLDER = Path(__file__).resolve().parents[1] / "management" / "demo"
SEED = 7


@dataclass(frozen=True)
class Story:
    """One demo worker: what it is, its data file, how it is optimized."""

    name: str
    description: str
    file: str
    step: dict[str, Any]
    metric: str
    stratify_by: str
    optimizer: str
    parameters: dict[str, object]


STORIES = (
    Story(
        "Demo: ticket routing",
        "Sends a helpdesk message to the right team. The codes mean nothing by themselves, so examples help a lot.",
        "routing.jsonl",
        {
            "instructions": "Choose the team that handles the message.",
            "inputs": [{"name": "message", "description": "What the employee wrote"}],
            "outputs": [
                {
                    "name": "team",
                    "type": "enum",
                    "options": ["T-104", "T-117", "T-121", "T-133", "T-140", "T-156"],
                    "description": "Team code",
                }
            ],
        },
        "Exact match",
        "team",
        "MIPROv2",
        {"auto": "light", "max_labeled_demos": 48},
    ),
    Story(
        "Demo: invoice fields",
        "Reads amount, due date and supplier out of an e-mail full of other numbers and dates.",
        "invoices.jsonl",
        {
            "instructions": "Read the payment details out of the e-mail.",
            "inputs": [{"name": "email"}],
            "outputs": [
                {"name": "amount", "type": "float", "description": "Amount to pay"},
                {"name": "due_date", "description": "Date the payment is due"},
                {"name": "supplier", "description": "Name of the company"},
            ],
        },
        "Normalized match",
        "",
        "BootstrapFewShotWithRandomSearch",
        {"num_candidate_programs": 6},
    ),
    Story(
        "Demo: renewal guess",
        "Guesses from a call note whether a customer renews. The notes hold no signal, so nothing can help.",
        "renewals.jsonl",
        {
            "instructions": "Say whether the customer will renew the contract.",
            "inputs": [{"name": "note", "description": "Call note"}],
            "outputs": [{"name": "outcome", "type": "enum", "options": ["renews", "leaves"]}],
        },
        "Exact match",
        "outcome",
        "BootstrapFewShotWithRandomSearch",
        {"num_candidate_programs": 6},
    ),
)


def demo_load() -> list[Run]:
    """Load what is missing of the demo and queue its runs; nothing is canned. Safe to call at every start."""
    return [_load(story) for story in STORIES if not Worker.objects.filter(name=story.name).exists()]


def _load(story: Story) -> Run:
    step = {"name": "answer", "module": "Predict", **story.step}
    worker = worker_create(
        by=SYSTEM,
        name=story.name,
        description=story.description,
        program={"steps": [step]},
        language_model=LanguageModel.objects.filter(model=BUILT_IN).order_by("id")[0],
        metric=Metric.objects.get(name=story.metric),
    )
    dataset = dataset_create(by=SYSTEM, name=story.name, description=story.description, worker=worker)
    lines = (FOLDER / story.file).read_text(encoding="utf-8").splitlines()
    examples_add(dataset, enumerate(map(json.loads, lines), start=1), by=SYSTEM, source=story.file)
    version = dataset_freeze(
        dataset,
        by=SYSTEM,
        shares={Split(k): v for k, v in DEFAULT_SHARES.items()},
        stratify_by=story.stratify_by,
        seed=SEED,
    )
    return run_create(
        by=SYSTEM,
        worker=worker,
        dataset_version=version,
        optimizer=story.optimizer,
        parameters=story.parameters,
        seed=SEED,
    )
