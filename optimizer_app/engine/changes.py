"""What an optimizer changed in the prompt, step by step, and each change taken back alone."""

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optimizer_app.engine.spec import ASSEMBLED, TUNED

INSTRUCTIONS, DEMOS = "instructions", "demos"


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
        if step not in (TUNED, ASSEMBLED)
    ]


def line_diff(before: str, after: str) -> list[DiffLine]:
    """Both texts as one, line by line."""
    lines = difflib.ndiff(before.splitlines(), after.splitlines())
    return [DiffLine(line[0], line[2:]) for line in lines if not line.startswith("?")]


@dataclass(frozen=True)
class Variant:
    """The winner with one change taken back: of one step its instructions or its demos."""

    step: str
    part: str
    state: dict[str, Any]


def variants(baseline: Mapping[str, Any], winner: Mapping[str, Any]) -> list[Variant]:
    """One variant for every change that can be taken back alone; a tuned model or an assembly cannot."""
    found = []
    for step, after in winner.items():
        if step in (TUNED, ASSEMBLED):
            continue
        before = baseline[step]
        if after["instructions"] != before["instructions"]:
            changed = {**after, "instructions": before["instructions"]}
            found.append(Variant(step, INSTRUCTIONS, {**winner, step: changed}))
        if after["demos"] != before["demos"]:
            found.append(Variant(step, DEMOS, {**winner, step: {**after, "demos": before["demos"]}}))
    return found
