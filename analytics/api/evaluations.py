"""Bring in evaluations that were made elsewhere."""

from typing import Any

from django.http import HttpRequest
from ninja import File, Router, Schema, Status
from ninja.files import UploadedFile

from analytics.services.evaluations import MOST_BYTES, evaluations_bring
from optimizer_app.common.ninja import caller

router = Router(tags=["measures"])


class BroughtOut(Schema):
    """Variants with their number of examples, and columns that nothing was taken from."""

    worker_id: int
    variants: dict[str, int]
    ignored: list[str]


@router.post(
    "/evaluations", response={201: BroughtOut}, operation_id="evaluations_bring",
    summary="Bring in evaluations made elsewhere",
    description="A CSV, JSONL, JSON or Parquet file with the columns example, variant, score and, if known, output, "
    "expected, cost (USD), latency (ms), slice. A worker that is not known is created as a stand-in.",
)  # fmt: skip
def bring(request: HttpRequest, worker: str, file: File[UploadedFile]) -> Status[Any]:
    # one byte more than may be: the service says what is too much
    raw = file.read(MOST_BYTES + 1)
    done = evaluations_bring(worker, file.name or "results", raw, by=caller(request))
    return Status(201, {"worker_id": done.worker.pk, "variants": done.variants, "ignored": done.ignored})
