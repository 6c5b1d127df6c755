"""Take a file into a dataset: upload, then map its columns to fields."""

from collections.abc import Iterator

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.models import Dataset, DatasetImport
from optimizer_app.services import audit
from optimizer_app.services.datasets import AddReport, examples_add
from optimizer_app.services.tables import Table, decode, read_table

MEGABYTE = 1024 * 1024


def import_start(dataset: Dataset, *, by: Actor, file_name: str, raw: bytes) -> DatasetImport:
    """Keep an uploaded file until its columns are mapped."""
    by.require(Capability.OPERATE)
    if len(raw) > settings.MAX_UPLOAD_MB * MEGABYTE:
        raise Refused(
            f"{file_name} is larger than {settings.MAX_UPLOAD_MB} MB, the most that can be imported. Split it."
        )
    body = decode(file_name, raw)
    table = read_table(file_name, body)
    with transaction.atomic():
        started = DatasetImport.objects.create(
            dataset=dataset, file_name=file_name[:200], body=body, columns=table.columns, row_count=len(table.rows)
        )
        audit.record(by, "import.start", started, dataset=dataset.name, rows=len(table.rows))
    return started


def import_finish(started: DatasetImport, *, by: Actor, mapping: dict[str, str], skip_other_values: bool) -> AddReport:
    """Add the file's rows with columns mapped to fields (field -> column), all of them in one transaction.

    `skip_other_values` leaves out rows whose value for an enumerated output is not among its options, instead
    of reporting each as an error: the way to take a few labels out of a larger file.
    """
    by.require(Capability.OPERATE)
    fields: dict[str, list[str]] = {}
    for field in started.dataset.fields():
        if mapping.get(field.name) not in started.columns:
            fields[field.name] = [f"Choose the column that holds “{field.name}”."]
    if fields:
        raise Refused(fields=fields)
    if started.body is None:
        raise Conflict("This file was already imported.")
    table = read_table(started.file_name, started.body)
    options = {
        f.name: set(f.options) for f in started.dataset.output_fields() if f.type == "enum" and skip_other_values
    }
    left_out = 0

    def rows() -> Iterator[tuple[int, dict[str, object]]]:
        nonlocal left_out
        for number, cells in table.rows:
            values = {name: cells.get(column) for name, column in mapping.items()}
            if any(str(values[name]).strip() not in allowed for name, allowed in options.items()):
                left_out += 1
            else:
                yield number, values

    with transaction.atomic():
        claimed = DatasetImport.objects.filter(pk=started.pk, status=DatasetImport.Status.MAPPING).update(
            status=DatasetImport.Status.DONE, body=None, updated_at=timezone.now()
        )
        if not claimed:
            raise Conflict("This file was already imported.")
        report = examples_add(started.dataset, rows(), by=by, source=started.file_name)
        report.left_out = left_out
        started.report = report.to_data()
        started.status = DatasetImport.Status.DONE
        started.save(update_fields=["report"])
    return report


def import_table(started: DatasetImport) -> Table:
    """The uploaded file's rows, for the preview. Raises Conflict once it is imported."""
    if started.body is None:
        raise Conflict("This file was already imported.")
    return read_table(started.file_name, started.body)
