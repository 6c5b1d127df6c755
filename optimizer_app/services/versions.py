"""Promote program versions and roll back."""

from django.db import transaction
from django.utils import timezone

from optimizer_app.common.access import SYSTEM, Actor, Capability
from optimizer_app.common.problems import Conflict
from optimizer_app.models import Canary, ProgramVersion, Promotion, Worker
from optimizer_app.selectors.workers import rollback_target
from optimizer_app.services import audit


def version_promote(version: ProgramVersion, *, by: Actor, reason: str = "") -> Promotion:
    """Make a version the one that answers calls."""
    return _activate(version, by=by, reason=reason, kind=Promotion.Kind.PROMOTION)


def worker_rollback(worker: Worker, *, by: Actor, reason: str = "") -> Promotion:
    """Go back to the version that was active before the present one was promoted."""
    by.require(Capability.APPROVE)
    target = rollback_target(worker)
    if target is None:
        raise Conflict("There is no earlier version to go back to.")
    return _activate(target, by=by, reason=reason, kind=Promotion.Kind.ROLLBACK)


def two_people_required(worker: Worker, version: ProgramVersion, by: Actor) -> None:
    """Raises Conflict where the worker wants two people and this is the one who started the run. The system may end a
    trial that a person has started; what it started itself it only proposes (analytics/services/gates)."""
    if worker.two_people and by != SYSTEM and version.run and version.run.requested_by == by.name:
        raise Conflict(f"You started {version.run}. Somebody else has to promote what came of it.")


def worker_two_people(worker: Worker, *, by: Actor, wanted: bool) -> None:
    """Ask for a second person at promotions; to ask no more takes an admin."""
    by.require(Capability.APPROVE if wanted else Capability.ADMIN)
    with transaction.atomic():
        Worker.objects.filter(pk=worker.pk).update(two_people=wanted)
        audit.record(by, "worker.two_people", worker, wanted=wanted)


def _activate(version: ProgramVersion, *, by: Actor, reason: str, kind: Promotion.Kind) -> Promotion:
    by.require(Capability.APPROVE)
    with transaction.atomic():
        worker = Worker.objects.select_for_update().get(pk=version.worker_id)
        if worker.active_version_id == version.pk:
            raise Conflict(f"{version} is already active.")
        if kind == Promotion.Kind.PROMOTION:
            two_people_required(worker, version, by)
        on_trial = Canary.objects.filter(worker=worker, status=Canary.Status.RUNNING)
        why = f"{version} was made active meanwhile."
        on_trial.update(status=Canary.Status.STOPPED, why=why, ended_by=by.name, ended_at=timezone.now())
        promotion = Promotion.objects.create(
            worker=worker,
            version=version,
            previous=worker.active_version,
            kind=kind,
            promoted_by=by.name,
            reason=reason,
        )
        worker.active_version = version
        worker.save(update_fields=["active_version"])
        audit.record(by, f"version.{kind}", version, instead_of=str(promotion.previous), reason=reason)
    return promotion
