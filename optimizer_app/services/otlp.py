"""Read OpenTelemetry's trace export (OTLP/HTTP 1.x), protobuf or JSON, into plain spans."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from optimizer_app.services.ingest import MOST_ROWS, TooLarge, Unreadable

STATUS_ERROR = 2
PROTOBUF, JSON = "application/x-protobuf", "application/json"


@dataclass(frozen=True)
class Span:
    """One span. Ids are hexadecimal, times nanoseconds since 1970; `parent` is empty for a root."""

    trace_id: str
    span_id: str
    parent: str
    name: str
    start_ns: int
    end_ns: int
    failed: bool
    message: str
    attributes: dict[str, Any]
    resource: dict[str, Any]
    exception: str = ""


def read_spans(raw: bytes, content_type: str) -> list[Span]:
    """The spans of an export request. Raises Refused for what is none."""
    if content_type.startswith(PROTOBUF):
        spans = list(_from_protobuf(raw))
    elif content_type.startswith(JSON):
        try:
            spans = list(_from_json(msgspec.json.decode(raw, type=dict[str, Any])))
        except (msgspec.DecodeError, ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
            raise Unreadable(f"The body is no OTLP trace export in JSON: {error}.") from None
    else:
        raise Unreadable(f"Content-Type {content_type or 'is missing'}: send {PROTOBUF} or {JSON}.")
    if len(spans) > 4 * MOST_ROWS:
        raise TooLarge(f"{len(spans):,} spans; at most {4 * MOST_ROWS:,} at once.")
    return spans


def _from_protobuf(raw: bytes) -> Iterator[Span]:
    # Imported at the first trace: protobuf costs the web process 15 MB that most installations do not need.
    from google.protobuf.message import DecodeError
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    request = ExportTraceServiceRequest()
    try:
        request.ParseFromString(raw)
    except DecodeError as error:
        raise Unreadable(f"The body is no OTLP trace export in protobuf: {error}.") from None
    for group in request.resource_spans:
        resource = {pair.key: _value(pair.value) for pair in group.resource.attributes}
        for scope in group.scope_spans:
            for span in scope.spans:
                yield Span(
                    trace_id=span.trace_id.hex(),
                    span_id=span.span_id.hex(),
                    parent=span.parent_span_id.hex(),
                    name=_text(span.name),
                    start_ns=span.start_time_unix_nano,
                    end_ns=span.end_time_unix_nano,
                    failed=span.status.code == STATUS_ERROR,
                    message=_text(span.status.message),
                    attributes={_text(pair.key): _value(pair.value) for pair in span.attributes},
                    resource=resource,
                    exception=_exception(
                        (event.name, {pair.key: _value(pair.value) for pair in event.attributes})
                        for event in span.events
                    ),
                )


def _from_json(body: dict[str, Any]) -> Iterator[Span]:
    for group in body.get("resourceSpans", []):
        resource = _pairs(group.get("resource", {}).get("attributes", []))
        for scope in group.get("scopeSpans", []):
            for span in scope.get("spans", []):
                status = span.get("status", {})
                yield Span(
                    trace_id=_text(span["traceId"]).lower(),
                    span_id=_text(span["spanId"]).lower(),
                    parent=str(span.get("parentSpanId", "")).lower(),
                    name=_text(span.get("name", "")),
                    start_ns=int(span.get("startTimeUnixNano", 0)),
                    end_ns=int(span.get("endTimeUnixNano", 0)),
                    failed=status.get("code") in (STATUS_ERROR, "STATUS_CODE_ERROR"),
                    message=_text(status.get("message", "")),
                    attributes=_pairs(span.get("attributes", [])),
                    resource=resource,
                    exception=_exception(
                        (event.get("name"), _pairs(event.get("attributes", []))) for event in span.get("events", [])
                    ),
                )


def _pairs(attributes: list[dict[str, Any]]) -> dict[str, Any]:
    return {_text(pair["key"]): _json_value(pair.get("value", {})) for pair in attributes}


def _json_value(value: dict[str, Any]) -> Any:
    if "intValue" in value:  # 64-bit numbers are texts in JSON
        return int(value["intValue"])
    if "stringValue" in value:
        return _text(value["stringValue"])
    return next((value[kind] for kind in ("doubleValue", "boolValue") if kind in value), None)


def _value(value: Any) -> Any:
    kind = value.WhichOneof("value")
    if kind == "string_value":
        return _text(value.string_value)
    return getattr(value, kind) if kind in ("int_value", "double_value", "bool_value") else None


def _text(value: Any) -> str:
    return str(value).replace("\0", "")  # PostgreSQL holds no NUL in a text


def _exception(events: Iterable[tuple[Any, dict[str, Any]]]) -> str:
    return next((str(found.get("exception.type", "")) for name, found in events if name == "exception"), "")
