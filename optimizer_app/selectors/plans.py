"""What a run would do, before it is launched."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from optimizer_app.engine.optimizers import optimizers
from optimizer_app.engine.optimizers.base import Sizes
from optimizer_app.models import DatasetVersion, Split


@dataclass(frozen=True)
class RunPlan:
    """Program calls between `low` and `high`, and the smallest gain that the test split can show."""

    low: int
    high: int
    test: int
    detectable: float


def run_plan(version: DatasetVersion, optimizer: str, parameters: Mapping[str, Any]) -> RunPlan:
    """The known work of a run: optimizing, and scoring baseline and winner on validation and test."""
    # Imported here: the formula needs scipy's module, which takes 0.3 s that most pages do not need.
    from optimizer_app.engine.comparison import detectable_effect

    counts = version.counts
    sizes = Sizes(counts[Split.TRAIN], counts[Split.VALIDATION])
    work = optimizers()[optimizer].work(sizes, parameters)
    frame = 2 * (counts[Split.VALIDATION] + counts[Split.TEST])
    return RunPlan(work.low + frame, work.high + frame, counts[Split.TEST], detectable_effect(counts[Split.TEST]))
