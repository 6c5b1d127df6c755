"""OpenTelemetry's own address, /v1/traces, for programs that are instrumented with OpenInference."""

from typing import Any

from django.conf import settings
from django.core.exceptions import PermissionDenied, RequestDataTooBig
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from optimizer_app.common.ninja import bearer_token
from optimizer_app.common.problems import Refused, problem
from optimizer_app.services.ingest import body_of
from optimizer_app.services.otlp import JSON, PROTOBUF, read_spans
from optimizer_app.services.tokens import token_actor
from optimizer_app.services.traces import traces_record


@csrf_exempt  # a token, not a session: there is nothing that another site could make a browser send
@require_POST
def collect(request: HttpRequest) -> HttpResponse:
    """Take an export request. Spans that cannot be stored are counted in `partialSuccess`, with the first reason."""
    actor = token_actor(bearer_token(request), request.META.get("REMOTE_ADDR", ""))
    if actor is None:
        return problem(401, "Send a token with the scope “record”: Authorization: Bearer upl_…")
    try:
        raw = body_of(request.body, request.headers.get("Content-Encoding", "").strip().lower())
        receipt = traces_record(read_spans(raw, request.content_type or ""), by=actor)
    except RequestDataTooBig:
        return problem(
            413, f"The body is larger than {settings.MAX_UPLOAD_MB} MB; send fewer spans at once, or zip them."
        )
    except Refused as refused:
        return problem(refused.status, str(refused))
    except PermissionDenied as denied:
        return problem(403, str(denied))
    except OperationalError:
        response = problem(503, "The database is busy. Send the request again.")
        response["Retry-After"] = "1"
        return response
    refused_spans = len(receipt.errors)
    reason = receipt.errors[0].detail if receipt.errors else ""
    return _answer(request.content_type or "", refused_spans, reason)


def _answer(content_type: str, refused: int, reason: str) -> HttpResponse:
    if content_type.startswith(JSON):
        part: dict[str, Any] = {"rejectedSpans": str(refused), "errorMessage": reason}
        return JsonResponse({"partialSuccess": part} if refused else {})
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    response = ExportTraceServiceResponse()
    if refused:
        response.partial_success.rejected_spans = refused
        response.partial_success.error_message = reason
    return HttpResponse(response.SerializeToString(), content_type=PROTOBUF)
