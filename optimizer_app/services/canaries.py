"""Put a version on trial beside the active one, and end the trial."""

from django.db import transaction
from django.utils import timezone

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.models import Canary, ProgramVersion, Worker
from optimizer_app.services import audit
from optimizer_app.services.versions import two_people_required, version_promote

Status = Canary.Status
SHARES, DIFFERENCES, CALLS = (0.01, 0.5), (0.005, 0.5), (100, 10_000_000)


def canary_start(
    version: ProgramVersion, *, by: Actor, share: float, smallest: float = 0.05, most_calls: int = 20_000
) -> Canary:
    """Let a version answer `share` of the calls beside the active one. Raises Refused or Conflict."""
    by.require(Capability.APPROVE)
    fields: dict[str, list[str]] = {}
    if not SHARES[0] <= share <= SHARES[1]:
        fields["share"] = ["Between 1 and 50 % of the calls."]
    if not DIFFERENCES[0] <= smallest <= DIFFERENCES[1]:
        fields["smallest"] = ["Between 0.5 and 50 points."]
    if not CALLS[0] <= most_calls <= CALLS[1]:
        fields["most_calls"] = [f"Between {CALLS[0]:,} and {CALLS[1]:,} calls."]
    if fields:
        raise Refused(fields=fields)
    with transaction.atomic():
        workers = Worker.objects.select_for_update(of=("self",)).select_related("active_version")
        worker = workers.get(pk=version.worker_id)
        two_people_required(worker, version, by)
        if worker.active_version is None or worker.active_version_id == version.pk:
            raise Conflict(f"{version} answers all calls already.")
        if Canary.objects.filter(worker=worker, status=Status.RUNNING).exists():
            raise Conflict(f"{worker} has a canary already; end it first.")
        made = Canary.objects.create(
            worker=worker, version=version, against=worker.active_version, share=share, smallest=smallest,
            most_calls=most_calls, started_by=by.name,
        )  # fmt: skip
        audit.record(by, "canary.start", made, share=share, against=str(made.against))
    return made


def canary_end(canary: Canary, *, by: Actor, status: str, why: str) -> None:
    """End it, once: the active version answers all calls again, or, where the status says so, the one on trial does."""
    by.require(Capability.APPROVE)
    with transaction.atomic():
        ended = {"status": status, "why": why, "ended_by": by.name, "ended_at": timezone.now()}
        if not Canary.objects.filter(pk=canary.pk, status=Status.RUNNING).update(**ended):
            raise Conflict(f"{canary} has ended already.")
        canary.refresh_from_db()
        audit.record(by, "canary.finish", canary, status=status, why=why[:500])
        if status in (Status.PROMOTED, Status.CHEAPER):
            version_promote(canary.version, by=by, reason=why)
