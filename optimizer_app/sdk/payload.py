"""What travels: one execution, one piece of feedback. Written by the SDK, read by the ingest API."""

from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import msgspec
from msgspec import Meta

Scalar = Annotated[str, Meta(max_length=200)] | int | float | bool
Count = Annotated[int, Meta(ge=0, le=2_147_483_647)]
Share = Annotated[float, Meta(ge=0, le=1)]
Positive = Annotated[float, Meta(ge=0, le=1e12)]
Path = Literal["program", "static", "fallback"]

MOST_TAGS = 20


class ExecutionRecord(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """One call of a worker. `id` is made by the caller, so that sending twice stores once. Costs are US dollars;
    leave `cost_usd` out when the price is not known. `subject` names the person it was about, for erasure: only a
    keyed hash of it is stored. An `error` (or `error_kind`) makes the execution a failure."""

    id: UUID
    worker: Annotated[str, Meta(min_length=1, max_length=100)]
    started_at: datetime
    inputs: dict[str, Any]
    outputs: dict[str, Any] = {}
    version: Annotated[int, Meta(ge=0, le=2_147_483_647)] | None = None
    latency_ms: Positive | None = None
    tokens_in: Count | None = None
    tokens_out: Count | None = None
    cost_usd: Positive | None = None
    error: Annotated[str, Meta(max_length=10_000)] = ""
    error_kind: Annotated[str, Meta(max_length=100)] = ""
    path: Path = "program"
    model: Annotated[str, Meta(max_length=100)] = ""
    trace_id: Annotated[str, Meta(max_length=64)] = ""
    score: Share | None = None
    subject: Annotated[str, Meta(max_length=200)] = ""
    metadata: Annotated[
        dict[Annotated[str, Meta(min_length=1, max_length=50)], Scalar], Meta(max_length=MOST_TAGS)
    ] = {}


class FeedbackRecord(msgspec.Struct, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What was said about an execution: a score from 0 to 1, the outputs that would have been right, words."""

    id: UUID
    execution_id: UUID
    score: Share | None = None
    corrected_output: dict[str, Any] | None = None
    comment: Annotated[str, Meta(max_length=5_000)] = ""
    name: Annotated[str, Meta(min_length=1, max_length=50)] = "feedback"
    source: Literal["user", "judge", "metric"] = "user"
    given_by: Annotated[str, Meta(max_length=150)] = ""
