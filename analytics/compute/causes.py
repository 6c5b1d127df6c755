"""What moved with a decline: groups whose share or quality changed between a healthy window and the one since."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from analytics.compute.intervals import Moments, holm, mean_difference, share_difference
from analytics.compute.signals import Reading

LEAST = 10  # executions of a group on both sides
MOST = 6  # causes that are named
SURE = 0.01  # after the correction for looking at many


@dataclass(frozen=True)
class Sample:
    """One execution with what may explain it."""

    reading: Reading
    label: str
    error_kind: str
    model: str
    version: int


@dataclass(frozen=True)
class Cause:
    """A sentence's worth: what (`kind` and `name`), from and to as shares of 1 (`share`) or in the signal's own unit
    (`level`), and the corrected p-value."""

    kind: str
    name: str
    before: float
    after: float
    share: bool
    p: float


def causes(
    healthy: Sequence[Sample], since: Sequence[Sample], value: Callable[[Reading], float | None],
    further: Iterable[Cause] = (),
) -> list[Cause]:  # fmt: skip
    """What changed, surest first. `value` is the signal that fell; `further` are candidates found elsewhere, which are
    corrected together with these."""
    found = [
        *_shares("error", healthy, since, lambda sample: sample.error_kind or None),
        *_shares("label", healthy, since, lambda sample: sample.label or None),
        *_shares("model", healthy, since, lambda sample: sample.model or None),
        *_levels("quality of label", healthy, since, value),
        *further,
    ]
    adjusted = holm([cause.p for cause in found])
    sure = [
        Cause(c.kind, c.name, c.before, c.after, c.share, p) for c, p in zip(found, adjusted, strict=True) if p < SURE
    ]
    return sorted(sure, key=lambda cause: (cause.p, -abs(cause.after - cause.before)))[:MOST]


def _shares(
    kind: str, healthy: Sequence[Sample], since: Sequence[Sample], name_of: Callable[[Sample], str | None]
) -> list[Cause]:
    before, after = (Counter(filter(None, map(name_of, side))) for side in (healthy, since))
    made = []
    for name in before | after:
        if max(before[name], after[name]) < LEAST:
            continue
        moved = share_difference((before[name], len(healthy)), (after[name], len(since)))
        if moved is not None and moved.p is not None:
            shares = before[name] / len(healthy), after[name] / len(since)
            made.append(Cause(kind, name, *shares, share=True, p=moved.p))
    return made


def _levels(
    kind: str, healthy: Sequence[Sample], since: Sequence[Sample], value: Callable[[Reading], float | None]
) -> list[Cause]:
    """Labels within which the signal fell; a label that all have says nothing of its own."""
    labels = {sample.label for sample in healthy} & {sample.label for sample in since} - {""}
    made = []
    for label in labels if len(labels) > 1 else ():
        before, after = (_moments(value(s.reading) for s in side if s.label == label) for side in (healthy, since))
        if min(before.n, after.n) < LEAST:
            continue
        moved = mean_difference(before, after)
        if moved is not None and moved.p is not None and moved.value < 0:
            made.append(
                Cause(kind, label, before.total / before.n, after.total / after.n, share=False, p=moved.p)
            )  # fmt: skip
    return made


def _moments(values: Iterable[float | None]) -> Moments:
    told = [value for value in values if value is not None]
    return Moments(len(told), sum(told), sum(value * value for value in told))
