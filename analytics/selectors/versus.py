"""Two sides of a worker against each other: versions, periods or both; offline too on the same examples."""

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.compute.paired import Change, Comparison, compare_changes
from analytics.compute.totals import Totals
from analytics.selectors.periods import Period
from analytics.selectors.stats import totals_by_version
from analytics.selectors.trends import Line, lines_of
from optimizer_app.common.problems import Refused
from optimizer_app.models import Evaluation, ProgramVersion, Split, Worker


@dataclass(frozen=True)
class Side:
    """Calls of one version, or of all where `version` is None, in a period."""

    version: ProgramVersion | None
    period: Period
    totals: Totals


@dataclass(frozen=True)
class Paired:
    """Both versions on the same sealed test examples."""

    numbers: Comparison
    dataset: str


@dataclass(frozen=True)
class Versus:
    """`b` against `a`."""

    a: Side
    b: Side
    lines: Sequence[Line]
    paired: Paired | None


def versus(worker: Worker, first: tuple[str, Period], second: tuple[str, Period]) -> Versus:
    """Each side is (version number, or empty for all, and period). Raises Refused for a version that is not there."""
    a, b = (_side(worker, *told) for told in (first, second))
    paired = _paired(a.version, b.version) if a.version and b.version and a.version != b.version else None
    return Versus(a, b, lines_of(b.totals, a.totals), paired)


def _side(worker: Worker, number: str, period: Period) -> Side:
    by_version = totals_by_version(worker.pk, period)
    if not number:
        whole = Totals()
        for part in by_version.values():
            whole.merge(part)
        return Side(None, period, whole)
    version = worker.versions.filter(number=int(number)).first() if number.isdecimal() and len(number) < 9 else None
    if version is None:
        raise Refused(f"{worker.name} has no version “{number[:20]}”.")
    return Side(version, period, by_version.get(version.pk, Totals()))


def _paired(a: ProgramVersion, b: ProgramVersion) -> Paired | None:
    """The newest test evaluations of both on one dataset version; None where there is no such pair."""
    found: dict[int, dict[int, Evaluation]] = {}
    tests = Evaluation.objects.filter(version__in=(a, b), split=Split.TEST).order_by("id")
    for evaluation in tests.select_related("run__dataset_version__dataset"):
        sides = found.setdefault(evaluation.run.dataset_version_id, {})
        sides[evaluation.version_id or 0] = evaluation
    both = [sides for sides in found.values() if len(sides) == 2]
    if not both:
        return None
    before, after = (
        dict(both[-1][version.pk].scores.values_list("example", "score")) for version in (a, b)
    )  # fmt: skip
    changes = [Change(str(key), before[key], after[key]) for key in before if key in after]
    return Paired(compare_changes(changes), str(both[-1][a.pk].run.dataset_version)) if changes else None
