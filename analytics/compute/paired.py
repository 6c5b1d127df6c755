"""Before and after on the same examples: the comparison, its slices and the spread of the changes."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from analytics.compute.intervals import holm
from optimizer_app.engine.comparison import Comparison, compare

__all__ = ["Change", "Comparison", "Slice", "changes_histogram", "compare_changes", "slices_of"]

LEAST_IN_SLICE = 10
LENGTH = "input length"
BARS = 20  # of the histogram, over differences from -1 to 1


@dataclass(frozen=True)
class Change:
    """One example under both: scores in [0, 1], and the groups that it is in, {"level": "hard"}."""

    key: str
    before: float
    after: float
    groups: Mapping[str, str] = field(default_factory=dict)

    @property
    def outcome(self) -> str:
        return "fixed" if self.after > self.before else "broken" if self.after < self.before else "unchanged"


@dataclass(frozen=True)
class Slice:
    """The comparison within one group. `p` is corrected for the number of groups looked at (Holm)."""

    name: str
    value: str
    n: int
    before: float
    after: float
    difference: float
    low: float
    high: float
    fixed: int
    broken: int
    p: float

    @property
    def shown(self) -> str:
        """ "better", "worse" or "not shown", after the correction."""
        if self.p >= 0.05:
            return "not shown"
        return "better" if self.difference > 0 else "worse"


def compare_changes(changes: Sequence[Change], *, minimum_effect: float = 0.05) -> Comparison:
    """The paired comparison. Raises ValueError for none."""
    before, after = [c.before for c in changes], [c.after for c in changes]
    binary = all(score in (0.0, 1.0) for score in (*before, *after))
    return compare(before, after, binary=binary, minimum_effect=minimum_effect)


def slices_of(changes: Iterable[Change]) -> list[Slice]:
    """Every group of at least LEAST_IN_SLICE examples, the worst first; groups of all examples say nothing."""
    groups: dict[tuple[str, str], list[Change]] = defaultdict(list)
    total = 0
    for change in changes:
        total += 1
        for name, value in change.groups.items():
            groups[name, value].append(change)
    told = {key: found for key, found in groups.items() if LEAST_IN_SLICE <= len(found) < total}
    compared = {key: compare_changes(found) for key, found in told.items()}
    adjusted = holm([made.p_value for made in compared.values()])
    made = [
        Slice(name, value, c.n, c.before, c.after, c.difference, c.low, c.high, c.fixed, c.broken, p)
        for ((name, value), c), p in zip(compared.items(), adjusted, strict=True)
    ]
    return sorted(made, key=lambda one: (one.difference, one.name, one.value))


def changes_histogram(changes: Iterable[Change]) -> list[tuple[float, int]]:
    """How many examples changed by how much: (middle of the bar, count), no change in a bar of its own."""
    counts: Counter[float] = Counter()
    for change in changes:
        difference = change.after - change.before
        counts[round(difference * BARS / 2) / (BARS / 2) if difference else 0.0] += 1
    return sorted(counts.items())
