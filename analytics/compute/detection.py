"""SR-mix: notices that the mean of a stream of values in [0, 1] fell, with a stated rate of false alarms.

A self-starting mixture Shiryaev-Roberts detector on bets. Each factor is a fair bet on "the mean is below the
baseline", so the expected number of values until a false alarm is at least `gamma`, for any distribution in [0, 1]
(e-detectors: Shin, Ramdas and Rinaldo, arXiv 2203.03532). Measured delays and limits: docs/statistics.md.
"""

import math
from collections.abc import Sequence

import msgspec

BETS = 4  # on drops of 1, 2, 4 and 8 times the smallest that matters
CAUTION = 0.7  # standard errors by which the baseline may be too high
BLOCK = 50  # values whose sum shows whether calls come in clusters
CAP = 0.95
BACK_AT = 1000.0  # 200 is three times as fast and wrong in 74 %
LEAST_REFERENCE = 100
_STILL = 3.0  # log-bet above which a block may hold a change, and does not count for the design effect
# Where nothing ever failed, the variance falls as 1/n² but old blocks keep their distance from the mean of then, which
# is no sign of clusters: after 1,000 successes the effect was 11.7 and a total outage took 200 calls to notice. With
# this floor it takes 16, and false alarms within a tenth of the promise stay at 0.11 (p=0.995) and 0.09 (in threes).
_LEAST_VARIANCE = 3e-5
_FACTORS = tuple(2.0**k for k in range(BETS))


class Bin(msgspec.Struct, array_like=True):
    """An hour of the day: count and sum in the baseline and in what is pending."""

    n: int = 0
    s: float = 0.0
    pending_n: int = 0
    pending_s: float = 0.0


class Detector(msgspec.Struct):
    """The state of one detector, a small JSON. Feed it `update(value, bin)` in the order of arrival.

    `n, s, q` are number, sum and sum of squares of the baseline; `pn, ps, pq` of what came since the detector was
    last calm; `since` is the index of the last value until which all was well.
    """

    gamma: float
    delta: float
    n: int = 0
    s: float = 0.0
    q: float = 0.0
    pn: int = 0
    ps: float = 0.0
    pq: float = 0.0
    ratios: list[float] = msgspec.field(default_factory=lambda: [0.0] * BETS)
    log_bet: float = 0.0
    since: int = 0
    seen: int = 0
    alarmed: bool = False
    bins: list[Bin] = msgspec.field(default_factory=lambda: [Bin()])
    blocks: int = 0
    block_squares: float = 0.0
    block_n: int = 0
    block_sum: float = 0.0
    design: float = 1.0
    variance: float = 0.0
    shrink: float = 0.0  # of hours towards the mean of all, in values; 0: the hours do not differ

    @classmethod
    def start(cls, reference: Sequence[tuple[float, int]], *, gamma: float, delta: float, bins: int = 1) -> "Detector":
        """Armed by a healthy past: (value, bin) in order. `bins` are 24 hours if it spans days, else 1."""
        made = cls(gamma=gamma, delta=delta, bins=[Bin() for _ in range(bins)])
        for value, at in reference:
            made.n, made.s, made.q = made.n + 1, made.s + value, made.q + value * value
            made.bins[at].n += 1
            made.bins[at].s += value
        made._refit()
        for value, at in reference:
            made._block(made._expected(made.bins[at]) - value, calm=True)
        made.block_n, made.block_sum = 0, 0.0
        made.design = made._design()
        return made

    @property
    def mean(self) -> float:
        """The baseline."""
        return (self.s + 0.5) / (self.n + 1)

    @property
    def evidence(self) -> float:
        """How far to the alarm, 0 to 1, on a scale on which equal steps are equal bets."""
        return min(1.0, max(0.0, math.log1p(sum(self.ratios)) / math.log1p(self.gamma * BETS)))

    @property
    def recent(self) -> float | None:
        """The mean of what came since all was well: at an alarm a first estimate, biased downwards."""
        return self.ps / self.pn if self.pn else None

    def update(self, value: float, at: int = 0) -> bool:
        """Take one value of an hour; True at the alarm. After it the state stays as it is."""
        if self.alarmed:
            return False
        pn, ps, v, m, hour = self.pn, self.ps, self.variance, self.mean, self.bins[at]
        recent = (max(self.pq - 2 * m * ps + pn * m * m, 0.0) + 20 * v) / (pn + 20)
        u = max(v, recent / 2)  # tolerates a variance that grew
        baseline = max(self._expected(hour) - CAUTION * math.sqrt(v * self.design / self.n), 0.001)
        d, cap, power = baseline - value, CAP / (1 - baseline), 1 / self.design
        step = self.delta / u
        self.ratios = [
            (1 + min(step * factor, cap) * d) ** power * (ratio + 1)
            for factor, ratio in zip(_FACTORS, self.ratios, strict=True)
        ]
        self.seen += 1
        if sum(self.ratios) >= self.gamma * BETS:
            self.alarmed = True
            return True
        self.log_bet += math.log(1 + min(step, cap) * d) * power
        self.pn, self.ps, self.pq = pn + 1, ps + value, self.pq + value * value
        hour.pending_n += 1
        hour.pending_s += value
        self._block(d, calm=self.log_bet < _STILL)
        if self.log_bet <= 0:
            self._calm(v)
        return False

    def rearm(self) -> None:
        """Watch again with the baseline as it was, once a decline is over."""
        self.ratios, self.log_bet, self.alarmed = [0.0] * BETS, 0.0, False
        self.pn, self.ps, self.pq = 0, 0.0, 0.0
        for hour in self.bins:
            hour.pending_n, hour.pending_s = 0, 0.0
        self.since = self.seen

    def _calm(self, v: float) -> None:
        """The bet was lost: all is well until here. What is pending joins the baseline while that is small."""
        self.log_bet = 0.0
        learns = self.n < max(1000, 40 * v * self.design / self.delta**2)
        if learns:
            self.n, self.s, self.q = self.n + self.pn, self.s + self.ps, self.q + self.pq
        for hour in self.bins:
            if learns:
                hour.n += hour.pending_n
                hour.s += hour.pending_s
            hour.pending_n, hour.pending_s = 0, 0.0
        if learns:
            self._refit()
        self.pn, self.ps, self.pq = 0, 0.0, 0.0
        self.since = self.seen

    def _block(self, d: float, *, calm: bool) -> None:
        self.block_n += 1
        self.block_sum += d
        if self.block_n == BLOCK:
            if calm:
                self.blocks += 1
                self.block_squares += self.block_sum**2
            self.block_n, self.block_sum = 0, 0.0

    def _design(self) -> float:
        variance = max(self.variance, _LEAST_VARIANCE)
        return min(20.0, max(1.0, (self.block_squares / (BLOCK * variance) + 10) / (self.blocks + 10)))

    def _refit(self) -> None:
        n, s, m = self.n, self.s, self.mean
        self.variance = v = (max(self.q - 2 * s * m + n * m * m, 0.0) + 10 * m * (1 - m)) / (n + 10)
        spread = self._spread(m, v)
        self.shrink = v / spread if spread > 0 else 0.0
        self.design = self._design()

    def _expected(self, hour: Bin) -> float:
        m = self.mean
        mean = (hour.s + self.shrink * m) / (hour.n + self.shrink) if self.shrink else m
        return min(0.9995, max(0.001, mean))

    def _spread(self, m: float, v: float) -> float:
        """Variance between the hours beyond chance (DerSimonian and Laird's moment estimate); 0 if there is none."""
        filled = [hour for hour in self.bins if hour.n]
        if len(filled) < 2:
            return 0.0
        weights = [hour.n / v for hour in filled]
        total, squares = sum(weights), sum(w * w for w in weights)
        q = sum(w * (hour.s / hour.n - m) ** 2 for w, hour in zip(weights, filled, strict=True))
        return max(0.0, (q - (len(filled) - 1)) / (total - squares / total))


def detectable_after(before: float, after: float, gamma: float) -> float:
    """D*: the fewest values in which anything can notice a share falling from `before` to `after`, on average.

    Solves e^h - h - 1 = gamma KL; D* = (h - 1 + e^-h) / KL, within 8 % of exact CUSUM (Moustakides 1986).
    """
    kl = divergence(after, before)
    low, high = 0.0, 1.0
    while math.exp(high) - high - 1 < gamma * kl:
        high *= 2
    for _ in range(200):
        middle = (low + high) / 2
        low, high = (middle, high) if math.exp(middle) - middle - 1 < gamma * kl else (low, middle)
    return (high - 1 + math.exp(-high)) / kl


def divergence(p: float, q: float) -> float:
    """KL(p || q) of two shares, in nats."""
    parts = ((p, q), (1 - p, 1 - q))
    return sum(a * math.log(a / b) for a, b in parts if a > 0)


class Recovery(msgspec.Struct):
    """Notices that the mean is back, after an alarm: two bets that it lies above the baseline less half a drop.

    Wrong within 500 values in at most 4 % when the mean stays one drop below the baseline.
    """

    baseline: float
    delta: float
    ratios: list[float] = msgspec.field(default_factory=lambda: [0.0, 0.0])
    n: int = 0
    s: float = 0.0

    def update(self, value: float) -> bool:
        """Take one value; True once it is back."""
        b = min(0.999, max(0.001, self.baseline - self.delta / 2))
        self.n, self.s = self.n + 1, self.s + value
        bets = (min(CAP / b, share * self.delta / (b * (1 - b))) for share in (0.5, 1.0))
        self.ratios = [(1 + bet * (value - b)) * (ratio + 1) for bet, ratio in zip(bets, self.ratios, strict=True)]
        return sum(self.ratios) / 2 >= BACK_AT

    @property
    def mean(self) -> float | None:
        """The mean since the alarm: no longer biased as the first estimate is."""
        return self.s / self.n if self.n else None
