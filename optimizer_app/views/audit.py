"""The audit log as a file."""

import json
from collections.abc import Iterator

from django.http import HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_GET

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.models import AuditEvent
from optimizer_app.services.audit import chain_head

COLUMNS = (
    "number", "at", "actor", "actor_kind", "address", "verb", "object_type", "object_id", "object_name", "data",
    "previous_hash", "hash",
)  # fmt: skip


@require_GET
def audit_export(request: HttpRequest) -> StreamingHttpResponse:
    """Every event, one JSON object a line, oldest first; the last line is the chain's head, for `verify_audit
    --seen`."""
    actor_of(request).require(Capability.ADMIN)
    answer = StreamingHttpResponse(_lines(), content_type="application/x-ndjson")
    answer["Content-Disposition"] = 'attachment; filename="audit.jsonl"'
    return answer


def _lines() -> Iterator[str]:
    for event in AuditEvent.objects.order_by("number").values(*COLUMNS).iterator():
        yield json.dumps(event, ensure_ascii=False) + "\n"
    yield json.dumps({"head": chain_head()}) + "\n"
