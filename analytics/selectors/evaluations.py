"""Reading evaluations that were made elsewhere, and comparing two of them."""

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.compute.paired import Change, Comparison, Slice, changes_histogram, compare_changes, slices_of
from analytics.models import OutsideEvaluation, OutsideScore
from optimizer_app.common.problems import Refused
from optimizer_app.models import Worker


@dataclass(frozen=True)
class OutsideComparison:
    """Two variants on the examples that both were scored on. `only_before` and `only_after` count the others."""

    before: OutsideEvaluation
    after: OutsideEvaluation
    numbers: Comparison
    changes: Sequence[Change]
    slices: Sequence[Slice]
    histogram: Sequence[tuple[float, int]]
    only_before: int
    only_after: int


def outside_evaluations(worker: Worker) -> Sequence[OutsideEvaluation]:
    """A worker's variants, best last, so that the worst is the natural “before”."""
    return list(OutsideEvaluation.objects.filter(worker=worker).order_by("mean_score", "variant"))


def compare_outside(worker: Worker, before: str, after: str, *, minimum_effect: float = 0.05) -> OutsideComparison:
    """The paired comparison of two variants by name. Raises Refused when one is unknown or they share no example."""
    sides = [_variant(worker, name) for name in (before, after)]
    first, second = ({s.key: s for s in side.scores.defer("detail")} for side in sides)
    shared = [key for key in first if key in second]
    if not shared:
        raise Refused(f"{before} and {after} have no example in common.")
    changes = [
        Change(key, first[key].score, second[key].score, {**first[key].slices, **second[key].slices}) for key in shared
    ]
    return OutsideComparison(
        before=sides[0],
        after=sides[1],
        numbers=compare_changes(changes, minimum_effect=minimum_effect),
        changes=changes,
        slices=slices_of(changes),
        histogram=changes_histogram(changes),
        only_before=len(first) - len(shared),
        only_after=len(second) - len(shared),
    )


def outside_scores(evaluation: OutsideEvaluation, keys: Sequence[str]) -> dict[str, OutsideScore]:
    """The scores of some examples, with outputs."""
    return {score.key: score for score in evaluation.scores.filter(key__in=keys)}


def _variant(worker: Worker, name: str) -> OutsideEvaluation:
    found = OutsideEvaluation.objects.filter(worker=worker, variant=name).first()
    if found is None:
        known = ", ".join(e.variant for e in outside_evaluations(worker)) or "none"
        raise Refused(f"{worker.name} has no variant “{name}”. It has: {known}.")
    return found
