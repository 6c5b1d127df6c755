"""Create datasets and add examples to them."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import msgspec
from django.db import transaction

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.ownership import home_team
from optimizer_app.common.problems import Refused
from optimizer_app.engine.spec import Field, SpecError, content_hash
from optimizer_app.engine.values import coerce_all
from optimizer_app.models import Dataset, Example, Worker
from optimizer_app.models.datasets import shape_of
from optimizer_app.services import audit

BATCH = 500
ERRORS_KEPT = 200  # the rest is counted


@dataclass
class AddReport:
    """What became of the rows. `errors` are (row number, sentence), the first ERRORS_KEPT of them."""

    added: int = 0
    duplicates: int = 0
    conflicts: int = 0
    left_out: int = 0
    error_count: int = 0
    errors: list[tuple[int, str]] = field(default_factory=list)

    def to_data(self) -> dict[str, Any]:
        return dict(msgspec.to_builtins(self))


PASSAGE = Field("passage", "str", "A text that a retrieval step may find")


def dataset_create(*, by: Actor, name: str, description: str, worker: Worker | None) -> Dataset:
    """An empty dataset with the fields of a worker; without a worker, one of passages for retrieval."""
    by.require(Capability.OPERATE)
    if not name.strip():
        raise Refused(fields={"name": ["A dataset needs a name."]})
    if Dataset.everywhere.filter(name=name).exists():
        raise Refused(fields={"name": [f"There is already a dataset called “{name}”."]})
    inputs, outputs = (worker.spec().inputs, worker.spec().outputs) if worker else ((PASSAGE,), ())
    with transaction.atomic():
        dataset = Dataset.objects.create(
            name=name,
            description=description,
            inputs=msgspec.to_builtins(inputs),
            outputs=msgspec.to_builtins(outputs),
            shape=shape_of(inputs, outputs),
            team_id=worker.team_id if worker else home_team(),
        )
        audit.record(by, "dataset.create", dataset, fields_of=worker.name if worker else "passages")
    return dataset


def examples_add(
    dataset: Dataset,
    rows: Iterable[tuple[int, dict[str, object]]],
    *,
    by: Actor,
    source: str,
    origins: Mapping[int, dict[str, Any]] | None = None,
) -> AddReport:
    """Add numbered rows of field values. Bad rows are reported, duplicates skipped, the rest stored, in one go.

    `origins` gives further columns by row number, for rows that came from executions.
    """
    by.require(Capability.OPERATE)
    report = AddReport()
    prepared = _new_ones(dataset, _prepare(dataset, rows, source, report, origins or {}), report)
    with transaction.atomic():
        Example.objects.bulk_create(prepared, batch_size=BATCH)
        audit.record(by, "examples.add", dataset, source=source, added=report.added, duplicates=report.duplicates)
    return report


def _prepare(
    dataset: Dataset,
    rows: Iterable[tuple[int, dict[str, object]]],
    source: str,
    report: AddReport,
    origins: Mapping[int, dict[str, Any]],
) -> Iterator[Example]:
    inputs, outputs = dataset.input_fields(), dataset.output_fields()
    for number, row in rows:
        try:
            values = coerce_all((*inputs, *outputs), row)
        except SpecError as error:
            report.error_count += 1
            if len(report.errors) < ERRORS_KEPT:
                report.errors.append((number, " ".join(error.problems)))
            continue
        example = Example(
            dataset=dataset,
            inputs={f.name: values[f.name] for f in inputs},
            outputs={f.name: values[f.name] for f in outputs},
            source=source if number in origins else f"{source}, row {number}",
            **origins.get(number, {}),
        )
        example.input_hash = content_hash(example.inputs)
        example.content_hash = content_hash([example.inputs, example.outputs])
        yield example


def _new_ones(dataset: Dataset, prepared: Iterator[Example], report: AddReport) -> list[Example]:
    """Without duplicates; further answers to a known input are counted as conflicts."""
    fresh: dict[str, Example] = {}
    answered: set[str] = set()
    while batch := list(islice(prepared, BATCH)):
        contents = [example.content_hash for example in batch]
        known = set(dataset.examples.filter(content_hash__in=contents).values_list("content_hash", flat=True))
        inputs = [example.input_hash for example in batch]
        answered |= set(dataset.examples.filter(input_hash__in=inputs).values_list("input_hash", flat=True))
        for example in batch:
            if example.content_hash in known or example.content_hash in fresh:
                report.duplicates += 1
                continue
            report.conflicts += example.input_hash in answered
            answered.add(example.input_hash)
            fresh[example.content_hash] = example
    report.added = len(fresh)
    return list(fresh.values())
