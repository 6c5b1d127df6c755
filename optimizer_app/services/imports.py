"""Take a file into a dataset: upload, then map its columns to fields. Large files are taken in the background."""

import json
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from optimizer_app import jobs
from optimizer_app.common.access import SYSTEM, Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.common.queue import enqueue
from optimizer_app.models import Dataset, DatasetImport
from optimizer_app.services import audit
from optimizer_app.services.datasets import AddReport, examples_add
from optimizer_app.services.table_files import read_rows
from optimizer_app.services.tables import Table, decode, read_table

MEGABYTE = 1024 * 1024
AT_ONCE = 2_000  # rows that a person waits for
PROGRESS_EVERY = 1_000
STALE = timedelta(seconds=60)
Status = DatasetImport.Status


def import_start(dataset: Dataset, *, by: Actor, file_name: str, raw: bytes) -> DatasetImport:
    """Keep an uploaded file until its columns are mapped."""
    by.require(Capability.OPERATE)
    if len(raw) > settings.MAX_UPLOAD_MB * MEGABYTE:
        raise Refused(
            f"{file_name} is larger than {settings.MAX_UPLOAD_MB} MB, the most that can be imported. Split it."
        )
    rows = read_rows(file_name, raw)
    body = decode(file_name, raw) if rows is None else "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    is_csv = file_name.lower().endswith(".csv")
    table = read_table(file_name if rows is None else f"{file_name}.jsonl", body)
    with transaction.atomic():
        started = DatasetImport.objects.create(
            dataset=dataset, file_name=file_name[:200], body=body, is_csv=is_csv, columns=table.columns,
            row_count=len(table.rows),
        )  # fmt: skip
        audit.record(by, "import.start", started, dataset=dataset.name, rows=len(table.rows))
    return started


def import_finish(
    started: DatasetImport, *, by: Actor, mapping: dict[str, str], skip_other_values: bool
) -> AddReport | None:
    """Add the file's rows with columns mapped to fields (field -> column), all of them in one transaction.

    `skip_other_values` leaves out rows whose value for an enumerated output is not among its options, instead
    of reporting each as an error: the way to take a few labels out of a larger file. A file with more than AT_ONCE
    rows is taken in the background; None is returned and the import shows how far it is.
    """
    by.require(Capability.OPERATE)
    fields: dict[str, list[str]] = {}
    for field in started.dataset.fields():
        if mapping.get(field.name) not in started.columns:
            fields[field.name] = [f"Choose the column that holds “{field.name}”."]
    if fields:
        raise Refused(fields=fields)
    with transaction.atomic():
        claimed = DatasetImport.objects.filter(pk=started.pk, status=Status.MAPPING).update(
            status=Status.RUNNING, mapping=mapping, skip_other_values=skip_other_values, started_by=by.name,
            heartbeat_at=timezone.now(), updated_at=timezone.now(),
        )  # fmt: skip
        if not claimed:
            raise Conflict("This file was already imported.")
        if started.row_count > AT_ONCE:
            enqueue(jobs.DATASET_IMPORT, import_id=started.pk)
            return None
        return _take(started.pk, by)


def import_run(import_id: int) -> None:
    """Take a claimed import, from its beginning: nothing of an attempt that died is left. Failures are told on its
    page."""
    started = DatasetImport.objects.filter(pk=import_id, status=Status.RUNNING).first()
    if started is None:
        return
    by = Actor(started.started_by, "person", SYSTEM.capabilities)
    try:
        _take(import_id, by)
    except Refused as refused:
        DatasetImport.objects.filter(pk=import_id).update(status=Status.FAILED, report={"failed": str(refused)})


def imports_reap() -> None:
    """Send imports again whose worker died."""
    silent = Q(heartbeat_at__lt=timezone.now() - STALE)
    for import_id in DatasetImport.objects.filter(silent, status=Status.RUNNING).values_list("pk", flat=True):
        if DatasetImport.objects.filter(silent, pk=import_id).update(heartbeat_at=timezone.now()):
            enqueue(jobs.DATASET_IMPORT, import_id=import_id)


def import_table(started: DatasetImport) -> Table:
    """The uploaded file's rows, for the preview. Raises Conflict once it is imported."""
    if started.body is None:
        raise Conflict("This file was already imported.")
    return read_table("file.csv" if started.is_csv else "file.jsonl", started.body)


def _take(import_id: int, by: Actor) -> AddReport:
    started = DatasetImport.objects.select_related("dataset").get(pk=import_id)
    table, mapping = import_table(started), started.mapping
    options = {
        f.name: set(f.options)
        for f in started.dataset.output_fields()
        if f.type == "enum" and started.skip_other_values
    }
    left_out = 0

    def rows() -> Iterator[tuple[int, dict[str, object]]]:
        nonlocal left_out
        for place, (number, cells) in enumerate(table.rows):
            if place % PROGRESS_EVERY == 0:
                DatasetImport.objects.filter(pk=import_id).update(rows_read=place, heartbeat_at=timezone.now())
            values = {name: cells.get(column) for name, column in mapping.items()}
            if any(str(values[name]).strip() not in allowed for name, allowed in options.items()):
                left_out += 1
            else:
                yield number, values

    prepared = list(rows())
    with transaction.atomic():
        if not DatasetImport.objects.filter(pk=import_id, status=Status.RUNNING).update(status=Status.DONE, body=None):
            raise Conflict("This file was already imported.")
        report = examples_add(started.dataset, prepared, by=by, source=started.file_name)
        report.left_out = left_out
        done = {"report": report.to_data(), "rows_read": len(table.rows), "updated_at": timezone.now()}
        DatasetImport.objects.filter(pk=import_id).update(**done)
    return report
