"""Promote program versions and roll back."""

from django.db import transaction

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Conflict
from optimizer_app.models import ProgramVersion, Promotion, Worker
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


def _activate(version: ProgramVersion, *, by: Actor, reason: str, kind: Promotion.Kind) -> Promotion:
    by.require(Capability.APPROVE)
    with transaction.atomic():
        worker = Worker.objects.select_for_update().get(pk=version.worker_id)
        if worker.active_version_id == version.pk:
            raise Conflict(f"{version} is already active.")
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
