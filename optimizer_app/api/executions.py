"""Ingest: executions, feedback and scores of workers that run elsewhere."""

from collections.abc import Callable
from threading import BoundedSemaphore
from typing import Any, TypeVar
from uuid import UUID

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from ninja import Field, Query, Router, Schema
from ninja.responses import Response

from optimizer_app.common.access import Capability
from optimizer_app.common.ninja import caller
from optimizer_app.common.problems import problem
from optimizer_app.models import Execution
from optimizer_app.sdk.payload import ExecutionRecord, FeedbackRecord
from optimizer_app.selectors.executions import ExecutionFilter, page_of
from optimizer_app.services.executions import Receipt, executions_record
from optimizer_app.services.feedback import feedback_record
from optimizer_app.services.ingest import body_of, rows_of

T = TypeVar("T")
router = Router(tags=["executions"])
# More writers than this only wait for the database, and would take the threads that answer pages.
WRITERS = 3
_writing = BoundedSemaphore(WRITERS)
RETRY_AFTER_S = 1


class RowErrorOut(Schema):
    row: int = Field(description="Counted from 0.")
    id: str
    detail: str


class ReceiptOut(Schema):
    accepted: int = Field(description="Stored by this request; they survive the death of any process.")
    duplicates: int = Field(description="Stored before, by their id.")
    errors: list[RowErrorOut] = Field(description="Rows that were not stored, and why.")


class ExecutionOut(Schema):
    id: UUID
    worker: str
    version: int | None
    started_at: str
    latency_ms: float | None
    tokens_in: int | None
    tokens_out: int | None
    cost_usd: float | None
    success: bool
    error_kind: str
    path: str
    model: str
    trace_id: str
    label: str
    score: float | None
    metadata: dict[str, Any]


class ExecutionDetail(ExecutionOut):
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    error: str


class ExecutionsOut(Schema):
    items: list[ExecutionOut]
    next: str | None = Field(description="Give it as `after` to get the next page; null on the last one.")


class CountOut(Schema):
    count: int


class ExecutionQuery(Schema):
    worker: str = ""
    version: int | None = None
    outcome: str = Field("", pattern="^(|success|error)$")
    error_kind: str = ""
    label: str = ""
    trace_id: str = ""
    score_from: float | None = None
    score_to: float | None = None
    tag: str = Field("", description="A pair of the metadata, name=value.")
    after: str = ""


def _body(name: str, summary: str) -> dict[str, Any]:
    rows = {"type": "array", "items": {"type": "object"}}
    schema = {"type": "object", "properties": {name: rows}, "required": [name]}
    lines = {"schema": {"type": "string", "description": summary}}
    content = {"application/json": {"schema": schema}, "application/x-ndjson": lines}
    return {"requestBody": {"required": True, "content": content}}


def _take(request: HttpRequest, kind: type[T], key: str, store: Callable[..., Receipt]) -> HttpResponse:
    by = caller(request)
    by.require(Capability.RECORD)
    if not _writing.acquire(blocking=False):
        return _busy(429, "Too many writers at once. Send again.")
    try:
        raw = body_of(request.body, request.headers.get("Content-Encoding", "").strip().lower())
        rows, receipt = rows_of(raw, request.content_type or "", kind, key)
        store(rows, by=by, receipt=receipt)
    except RequestDataTooBig:
        return problem(
            413, f"The body is larger than {settings.MAX_UPLOAD_MB} MB; send fewer rows at once, or zip them."
        )
    except OperationalError:
        return _busy(503, "The database is busy. Nothing of this request was stored; send it again.")
    finally:
        _writing.release()
    errors = [error._asdict() for error in receipt.errors]
    return Response({"accepted": receipt.accepted, "duplicates": receipt.duplicates, "errors": errors})


def _busy(status: int, detail: str) -> HttpResponse:
    response = problem(status, detail)
    response["Retry-After"] = str(RETRY_AFTER_S)
    return response


@router.post(
    "", response=ReceiptOut, operation_id="executions_record", summary="Record executions",
    openapi_extra=_body("executions", "One execution a line."),
)  # fmt: skip
def executions_create(request: HttpRequest) -> HttpResponse:
    """Up to 5,000 rows, JSON or NDJSON, optionally gzipped. Sending a row again does no harm. When the answer is here,
    the accepted rows are in the database. 429 and 503 carry Retry-After."""
    return _take(request, ExecutionRecord, "executions", executions_record)


@router.post(
    "/feedback", response=ReceiptOut, operation_id="feedback_record", summary="Record feedback",
    openapi_extra=_body("feedback", "One piece of feedback a line."),
)  # fmt: skip
def feedback_create(request: HttpRequest) -> HttpResponse:
    """Scores, corrected outputs and comments on executions that are stored."""
    return _take(request, FeedbackRecord, "feedback", feedback_record)


@router.post(
    "/scores", response=ReceiptOut, operation_id="scores_record", summary="Record scores of a metric or judge",
    openapi_extra=_body("scores", "One score a line."),
)  # fmt: skip
def scores_create(request: HttpRequest) -> HttpResponse:
    """As feedback, with `source` metric unless it says judge: the score becomes the execution's own."""

    def store(rows: list[tuple[int, FeedbackRecord]], **rest: Any) -> Receipt:
        for _, record in rows:
            record.source = "judge" if record.source == "judge" else "metric"
        return feedback_record(rows, **rest)

    return _take(request, FeedbackRecord, "scores", store)


@router.get("", response=ExecutionsOut, operation_id="executions_list", summary="List executions, newest first")
def executions_list(request: HttpRequest, query: Query[ExecutionQuery]) -> dict[str, Any]:
    caller(request).require(Capability.READ)
    found = page_of(ExecutionFilter(**query.dict(exclude={"after"})), query.after)
    return {"items": [_out(execution) for execution in found.rows], "next": found.older or None}


@router.get("/count", response=CountOut, operation_id="executions_count", summary="Count executions")
def executions_count(request: HttpRequest, worker: str = "") -> dict[str, int]:
    """All that are stored, or those of one worker; counted now, so it takes a moment among millions."""
    caller(request).require(Capability.READ)
    found = Execution.objects.filter(worker__name=worker) if worker else Execution.objects.all()
    return {"count": found.count()}


@router.get("/{execution_id}", response=ExecutionDetail, operation_id="executions_read", summary="Read an execution")
def executions_read(request: HttpRequest, execution_id: UUID) -> dict[str, Any]:
    caller(request).require(Capability.READ)
    execution = get_object_or_404(Execution.objects.select_related("worker", "version"), uid=execution_id)
    body = execution.content
    return {**_out(execution), "inputs": body.inputs, "outputs": body.outputs, "error": body.error}


def _out(execution: Execution) -> dict[str, Any]:
    kept = (
        "latency_ms", "tokens_in", "tokens_out", "cost_usd", "success", "error_kind", "path", "model", "trace_id",
        "label", "score", "metadata",
    )  # fmt: skip
    return {
        "id": execution.uid,
        "worker": execution.worker.name,
        "version": execution.version.number if execution.version else None,
        "started_at": execution.started_at.isoformat(),
        **{name: getattr(execution, name) for name in kept},
    }
