"""What an optimizer changed in the prompt, step by step."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class DiffLine:
    """One line of an instruction: `sign` is "+" (new), "-" (gone) or " " (kept)."""

    sign: str
    text: str


@dataclass(frozen=True)
class StepChange:
    """One step before and after."""

    step: str
    instructions: list[DiffLine]
    demos_before: int
    demos: list[dict[str, Any]]

    @property
    def rewritten(self) -> bool:
        return any(line.sign != " " for line in self.instructions)


def changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[StepChange]:
    """The change of every step, in the order of `after`."""
    return [
        StepChange(
            step,
            line_diff(before[step]["instructions"], state["instructions"]),
            len(before[step]["demos"]),
            state["demos"],
        )
        for step, state in after.items()
    ]


def line_diff(before: str, after: str) -> list[DiffLine]:
    """Both texts as one, line by line."""
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [DiffLine(line[0], line[2:]) for line in lines if not line.startswith("?")]
