"""Write and verify the audit chain."""

import hashlib
import hmac
import json
from typing import Any

from django.conf import settings
from django.db import connection, models, transaction
from django.utils import timezone

from optimizer_app.common.access import Actor
from optimizer_app.models import AuditEvent, AuditHead

POSTGRES_LOCK = 0x75706C69  # any constant: two appends must not read the same last hash
HEAD = 1


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
    sealed = {"number": event.number, "hash": event.hash, "seal": _seal(event.number, event.hash)}
    AuditHead.objects.update_or_create(pk=HEAD, defaults=sealed)


def first_broken(*, seen: str = "") -> int | None:
    """The number of the first event that was altered, removed or reordered; None when the chain holds. `seen` is a head
    that was noted elsewhere, `number:hash`: a chain that does not hold it was exchanged as a whole."""
    previous, expected = "", 1
    noted, _, noted_hash = seen.partition(":")
    for event in AuditEvent.objects.order_by("number").iterator():
        whole = event.number == expected and event.previous_hash == previous
        if not whole or not hmac.compare_digest(event.hash, _hash(event)):
            return event.number
        if str(event.number) == noted and event.hash != noted_hash:
            return event.number
        previous, expected = event.hash, expected + 1
    head = AuditHead.objects.filter(pk=HEAD).first()
    if head is None:
        return None if expected == 1 and not noted else expected
    whole = (head.number, head.hash) == (expected - 1, previous)
    cut = bool(noted) and int(noted) >= expected
    return None if whole and not cut and hmac.compare_digest(head.seal, _seal(head.number, head.hash)) else expected


def chain_head() -> str:
    """Where the chain ends, `number:hash`, to be noted where nobody who can write the database can write."""
    head = AuditHead.objects.filter(pk=HEAD).first()
    return str(head) if head else ""


def _hash(event: AuditEvent) -> str:
    content = [
        event.previous_hash, event.number, event.at, event.actor, event.actor_kind, event.address, event.verb,
        event.object_type, event.object_id, event.object_name, event.data,
    ]  # fmt: skip
    return _keyed(json.dumps(content, sort_keys=True, separators=(",", ":")))


def _seal(number: int, last: str) -> str:
    return _keyed(f"head:{number}:{last}")


def _keyed(message: str) -> str:
    return hmac.new(settings.AUDIT_KEY.encode(), message.encode(), hashlib.sha256).hexdigest()
