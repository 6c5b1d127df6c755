"""Write and verify the audit chain."""

import hashlib
import hmac
import json
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from optimizer_app.common.access import Actor
from optimizer_app.models import AuditEvent

POSTGRES_LOCK = 0x75706C69  # any constant: two appends must not read the same last hash


def record(by: Actor, verb: str, about: models.Model, **data: Any) -> None:
    """Append an event, in the transaction of the change itself. `data` must hold no secrets and no example bodies."""
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("An audit event belongs into the transaction of its change.")
    if connection.vendor == "postgresql":  # SQLite's IMMEDIATE transactions already stand in line
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [POSTGRES_LOCK])
    last = AuditEvent.objects.order_by("-number").only("number", "hash").first()
    event = AuditEvent(
        number=last.number + 1 if last else 1,
        at=timezone.now().isoformat(),
        actor=by.name,
        actor_kind=by.kind,
        address=by.address,
        verb=verb,
        object_type=str(about._meta.verbose_name),
        object_id=str(about.pk),
        object_name=str(about)[:200],
        data=data,
        previous_hash=last.hash if last else "",
    )
    event.hash = _hash(event)
    event.save(force_insert=True)


def first_broken() -> int | None:
    """The number of the first event that was altered, removed or reordered; None when the chain holds."""
    previous, expected = "", 1
    for event in AuditEvent.objects.order_by("number").iterator():
        whole = event.number == expected and event.previous_hash == previous
        if not whole or not hmac.compare_digest(event.hash, _hash(event)):
            return event.number
        previous, expected = event.hash, expected + 1
    return None


def _hash(event: AuditEvent) -> str:
    content = [
        event.previous_hash, event.number, event.at, event.actor, event.actor_kind, event.address, event.verb,
        event.object_type, event.object_id, event.object_name, event.data,
    ]  # fmt: skip
    message = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
    return hmac.new(settings.AUDIT_KEY.encode(), message, hashlib.sha256).hexdigest()
