"""Say what a worker's answers are worth."""

import math

from django.db import transaction

from analytics.models import WorkerValue
from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Refused
from optimizer_app.models import Worker
from optimizer_app.services import audit

LIMITS = {
    "correct_usd": 1e6, "second_usd": 1e4, "person_hour_usd": 1e5, "compute_hour_usd": 1e5, "person_hours": 1e6,
}  # fmt: skip
HORIZON = (7, 1825)


def value_set(
    worker: Worker,
    *,
    by: Actor,
    correct_usd: float | None,
    second_usd: float,
    person_hour_usd: float,
    compute_hour_usd: float,
    person_hours: float,
    horizon_days: int,
) -> WorkerValue:
    """Money in USD. `correct_usd` None means that it is not known."""
    by.require(Capability.APPROVE)
    told = {
        "correct_usd": correct_usd, "second_usd": second_usd, "person_hour_usd": person_hour_usd,
        "compute_hour_usd": compute_hour_usd, "person_hours": person_hours,
    }  # fmt: skip
    fields = {
        name: [f"Between 0 and {LIMITS[name]:,.0f}."]
        for name, amount in told.items()
        if amount is not None and not (math.isfinite(amount) and 0 <= amount <= LIMITS[name])
    }
    if not HORIZON[0] <= horizon_days <= HORIZON[1]:
        fields["horizon_days"] = [f"Between {HORIZON[0]} and {HORIZON[1]:,} days."]
    if fields:
        raise Refused(fields=fields)
    with transaction.atomic():
        value, _ = WorkerValue.objects.update_or_create(
            worker=worker, defaults={**told, "horizon_days": horizon_days}
        )  # fmt: skip
        audit.record(by, "value.set", worker, **told, horizon_days=horizon_days)
    return value
