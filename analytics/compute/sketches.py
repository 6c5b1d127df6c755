"""A mergeable sketch of positive values: a histogram on a logarithmic scale.

Every value is known to within 1 %, so every quantile is too; merging is addition, and what was added can be taken
away again. (Rank-error sketches were 16 % off on latencies with a slow mode.)
"""

import math
from collections.abc import Iterable

import msgspec

GAMMA = 1.02
_LOG = math.log(GAMMA)
_MIDDLE = 2 * GAMMA / (1 + GAMMA)  # times the lower edge of a bin: within 1 % of everything in it
_ZERO = -(2**31)  # the bin of 0


class Sketch:
    """Counts of values >= 0 by bin."""

    __slots__ = ("bins",)

    def __init__(self, bins: dict[int, int] | None = None) -> None:
        self.bins = bins or {}

    @classmethod
    def of(cls, values: Iterable[float]) -> "Sketch":
        """The sketch of these values."""
        made = cls()
        for value in values:
            made.add(value)
        return made

    def add(self, value: float, times: int = 1) -> None:
        """Count a value; `times` -1 takes it away. Raises ValueError below 0."""
        if value < 0:
            raise ValueError(f"{value} is below 0.")
        at = math.ceil(math.log(value) / _LOG) if value > 0 else _ZERO
        count = self.bins.get(at, 0) + times
        if count:
            self.bins[at] = count
        else:
            self.bins.pop(at, None)

    def merge(self, other: "Sketch") -> None:
        """Add everything that the other has seen."""
        bins = self.bins
        for at, count in other.bins.items():
            bins[at] = bins.get(at, 0) + count

    @property
    def count(self) -> int:
        """How many values."""
        return sum(self.bins.values())

    def quantile(self, q: float) -> float | None:
        """The smallest value that a share q of all do not exceed, within 1 %; None when empty."""
        total = self.count
        if total <= 0:
            return None
        wanted, seen = max(1, math.ceil(q * total)), 0
        for at in sorted(self.bins):
            seen += self.bins[at]
            if seen >= wanted:
                return _value(at)
        return _value(max(self.bins))

    def share_above(self, limit: float) -> float | None:
        """The share of values above a limit, which itself is known to within 1 %; None when empty."""
        total = self.count
        return sum(n for at, n in self.bins.items() if _value(at) > limit) / total if total else None

    def histogram(self, most: int = 40) -> list[tuple[float, float, int]]:
        """At most `most` neighbouring bars: (from, to, count)."""
        positive = sorted(at for at in self.bins if at != _ZERO)
        if not positive:
            return []
        first, step = positive[0], max(1, -(-(positive[-1] - positive[0] + 1) // most))
        bars: dict[int, int] = {}
        for at in positive:
            bars[(at - first) // step] = bars.get((at - first) // step, 0) + self.bins[at]
        return [
            (GAMMA ** (first + bar * step - 1), GAMMA ** (first + (bar + 1) * step - 1), bars.get(bar, 0))
            for bar in range(max(bars) + 1)
        ]

    def encode(self) -> bytes:
        """As bytes, about 2 per bin."""
        ordered = sorted(self.bins)
        steps = [at - before for before, at in zip([0, *ordered], ordered, strict=False)]
        return msgspec.msgpack.encode((steps, [self.bins[at] for at in ordered])) if ordered else b""

    @classmethod
    def decode(cls, raw: bytes) -> "Sketch":
        """The sketch that `encode` wrote."""
        if not raw:
            return cls()
        steps, counts = _DECODER.decode(raw)
        bins, at = {}, 0
        for step, count in zip(steps, counts, strict=True):
            at += step
            bins[at] = count
        return cls(bins)


_DECODER = msgspec.msgpack.Decoder(tuple[list[int], list[int]])


def _value(at: int) -> float:
    return 0.0 if at == _ZERO else GAMMA ** (at - 1) * _MIDDLE
