"""Promotion and rollback."""

import pytest

from optimizer_app.common.access import Actor, NotAllowed
from optimizer_app.common.models import FrozenError
from optimizer_app.common.problems import Conflict
from optimizer_app.models import ProgramVersion, Promotion, Worker
from optimizer_app.services.versions import version_promote, worker_rollback

pytestmark = pytest.mark.django_db


def another(worker: Worker, number: int) -> ProgramVersion:
    return ProgramVersion.objects.create(
        worker=worker, number=number, state={}, fingerprint=f"f{number}", created_by="test"
    )


def active(worker: Worker) -> int:
    worker.refresh_from_db()
    assert worker.active_version is not None
    return worker.active_version.number


def test_promote_and_roll_back(worker: Worker, approver: Actor) -> None:
    one, two = another(worker, 1), another(worker, 2)
    version_promote(one, by=approver, reason="better")
    version_promote(two, by=approver)
    assert active(worker) == 2

    worker_rollback(worker, by=approver, reason="worse after all")
    assert active(worker) == 1
    worker_rollback(worker, by=approver)
    assert active(worker) == 0
    with pytest.raises(Conflict, match="no earlier version"):
        worker_rollback(worker, by=approver)

    kinds = list(worker.promotions.order_by("id").values_list("kind", "version__number"))
    assert kinds == [("initial", 0), ("promotion", 1), ("promotion", 2), ("rollback", 1), ("rollback", 0)]


def test_promoting_the_active_version_is_refused(worker: Worker, approver: Actor) -> None:
    assert worker.active_version is not None
    with pytest.raises(Conflict, match="already active"):
        version_promote(worker.active_version, by=approver)


def test_operators_may_not_promote(worker: Worker, operator: Actor) -> None:
    with pytest.raises(NotAllowed, match="promote"):
        version_promote(another(worker, 1), by=operator)
    with pytest.raises(NotAllowed):
        worker_rollback(worker, by=operator)
    assert active(worker) == 0


def test_versions_and_promotions_never_change(worker: Worker) -> None:
    for row in (worker.versions.get(), Promotion.objects.get(worker=worker)):
        with pytest.raises(FrozenError):
            row.save()
        with pytest.raises(FrozenError):
            row.delete()
