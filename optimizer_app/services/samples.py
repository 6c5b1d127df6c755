"""Load an example from docs/examples: a worker with data and metric, ready to be optimized."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import transaction

from optimizer_app.common.access import Actor
from optimizer_app.common.problems import Refused
from optimizer_app.engine.offline import BUILT_IN
from optimizer_app.models import DatasetVersion, LanguageModel, Metric, Split, Worker
from optimizer_app.services.dataset_versions import DEFAULT_SHARES, dataset_freeze, passages_freeze
from optimizer_app.services.datasets import dataset_create, examples_add
from optimizer_app.services.workers import worker_create

FOLDER = Path(settings.BASE_DIR) / "docs" / "examples"
SEED = 1


@dataclass(frozen=True)
class Sample:
    """What was loaded, and the optimizer that the example suggests."""

    worker: Worker
    version: DatasetVersion
    optimizer: str


def sample_names() -> list[str]:
    """The examples there are."""
    return sorted(path.parent.name for path in FOLDER.glob("*/worker.json"))


def sample_load(name: str, *, by: Actor) -> Sample:
    """Load one example, all of it or nothing. Raises Refused for an unknown or already loaded one."""
    if name not in sample_names():
        raise Refused(f"There is no example called “{name}”. There are {', '.join(sample_names())}.")
    folder = FOLDER / name
    told: dict[str, Any] = json.loads((folder / "worker.json").read_text(encoding="utf-8"))
    with transaction.atomic():
        _fill_in_passages(told, folder, by)
        worker = worker_create(
            by=by,
            name=told["name"],
            description=told["description"],
            program=told["program"],
            language_model=LanguageModel.objects.filter(model=BUILT_IN).order_by("id")[0],
            metric=Metric.objects.get(name=told["metric"]),
        )
        dataset = dataset_create(by=by, name=told["name"], description=told["description"], worker=worker)
        examples_add(dataset, _rows(folder / "examples.jsonl"), by=by, source=f"{name}/examples.jsonl")
        version = dataset_freeze(
            dataset,
            by=by,
            shares={Split(split): share for split, share in DEFAULT_SHARES.items()},
            stratify_by=told["stratify_by"],
            seed=SEED,
        )
    return Sample(worker, version, told["optimizer"])


def _fill_in_passages(told: dict[str, Any], folder: Path, by: Actor) -> None:
    """Freeze the passages and put their hash where the program names the file."""
    for step in told["program"]["steps"]:
        if file := step.get("passages"):
            name = f"{told['name']}: passages"
            dataset = dataset_create(by=by, name=name, description=told["description"], worker=None)
            examples_add(dataset, _rows(folder / file), by=by, source=f"{folder.name}/{file}")
            step["passages"] = passages_freeze(dataset, by=by).content_hash


def _rows(path: Path) -> list[tuple[int, dict[str, object]]]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(number, json.loads(line)) for number, line in enumerate(lines, start=1)]
