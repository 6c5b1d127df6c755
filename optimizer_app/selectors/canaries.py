"""Reading canaries."""

from typing import Any

from optimizer_app.models import Canary, ProgramVersion, Worker
from optimizer_app.sdk.arms import in_canary


def running_canary(worker: Worker) -> Canary | None:
    """The one that is on, with its versions."""
    found = Canary.objects.filter(worker=worker, status=Canary.Status.RUNNING)
    return found.select_related("version", "against").first()


def answering(worker: Worker, caller: str) -> ProgramVersion | None:
    """The version that answers this caller: the active one, or the one on trial."""
    canary = running_canary(worker)
    if canary and in_canary(canary.pk, canary.share, caller):
        return canary.version
    return worker.active_version


def canary_for_processes(worker: Worker) -> dict[str, Any] | None:
    """What a process needs to run the version on trial."""
    canary = running_canary(worker)
    if canary is None:
        return None
    return {
        "id": canary.pk,
        "share": canary.share,
        "version": canary.version.number,
        "state": canary.version.state,
    }
