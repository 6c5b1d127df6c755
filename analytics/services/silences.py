"""Times in which nobody is told."""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from analytics.models import Delivery, Silence
from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.models import Worker
from optimizer_app.services import audit

LONGEST, LONGEST_REASON = timedelta(days=30), 200


def silence_make(
    *, by: Actor, worker: Worker | None, starts_at: datetime, ends_at: datetime, reason: str
) -> Silence:  # fmt: skip
    """Tell nobody of a worker's incidents, or of any, for a while. Incidents are opened all the same, and told when it
    is over if they are not."""
    by.require(Capability.OPERATE)
    if worker is None:
        by.require_sight_of_all()
    fields: dict[str, list[str]] = {}
    if not timezone.now() < ends_at or not timedelta(0) < ends_at - starts_at <= LONGEST:
        fields["ends_at"] = ["It ends in the future, after its start, and lasts 30 days at most."]
    if not 0 < len(reason.strip()) <= LONGEST_REASON or "\0" in reason:
        fields["reason"] = [f"1 to {LONGEST_REASON} characters."]
    if fields:
        raise Refused(fields=fields)
    with transaction.atomic():
        made = Silence.objects.create(
            worker=worker, starts_at=starts_at, ends_at=ends_at, reason=reason.strip(), created_by=by.name
        )
        audit.record(by, "silence.make", made, worker=worker.name if worker else "all", until=ends_at.isoformat())
    return made


def silence_end(silence: Silence, *, by: Actor) -> None:
    """Over now; what waits for its end is sent, if nothing else holds it back."""
    by.require(Capability.OPERATE)
    now = timezone.now()
    waiting = Delivery.objects.filter(status=Delivery.Status.WAITING, attempts=0, next_at=silence.ends_at)
    with transaction.atomic():
        waiting.update(next_at=now)
        Silence.objects.filter(pk=silence.pk, ends_at__gt=now).update(ends_at=now)
        audit.record(by, "silence.end", silence)
