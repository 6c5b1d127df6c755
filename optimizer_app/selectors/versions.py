"""Reading program versions."""

from optimizer_app.engine.changes import StepChange, changes
from optimizer_app.models import ProgramVersion

__all__ = ["StepChange", "version_changes"]


def version_changes(before: ProgramVersion, after: ProgramVersion) -> list[StepChange]:
    """What the prompt of each step gained and lost."""
    return changes(before.state, after.state)
