"""Reading program versions."""

from typing import Any

from optimizer_app.engine.changes import StepChange, changes
from optimizer_app.models import ProgramVersion, Worker
from optimizer_app.selectors.canaries import canary_for_processes

__all__ = ["StepChange", "active_version", "version_changes"]


def version_changes(before: ProgramVersion, after: ProgramVersion) -> list[StepChange]:
    """What the prompt of each step gained and lost."""
    return changes(before.state, after.state)


def active_version(worker: Worker) -> dict[str, Any]:
    """What a process needs to run the active version of a worker, and the one on trial beside it; and the tag that
    changes with them."""
    version = worker.active_version
    if version is None:
        raise ProgramVersion.DoesNotExist(f"{worker.name} has no active version.")
    canary = canary_for_processes(worker)
    trial = f"-{canary['id']}" if canary else ""
    return {
        "etag": f"{version.number}-{version.fingerprint[:16]}{trial}",
        "worker_id": worker.pk,
        "version": version.number,
        "fingerprint": version.fingerprint,
        "program": worker.program,
        "state": version.state,
        "canary": canary,
    }
