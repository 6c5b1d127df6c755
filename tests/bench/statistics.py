"""The tables of docs/statistics.md by simulation, beside what is specified.

    python -m tests.bench.statistics [RUNS]

Detector: mean delay after 1,000 healthy values and the share of false alarms, for the settings of the specification.
Intervals: coverage of the paired comparison. Prints ratios; a few minutes at 200 runs.
"""

import random
import sys

from analytics.compute.detection import Detector, detectable_after
from analytics.compute.paired import Change, compare_changes
from analytics.compute.sequential import arm_of_outcomes, race

GAMMA = 10_000
# p, delta, reference, {drop: specified mean delay}, specified share of false alarms within a tenth of gamma
DETECTOR = [
    (0.90, 0.05, 100, {0.05: 666, 0.10: 142, 0.20: 48}, 0.12),
    (0.90, 0.05, 200, {0.05: 570, 0.10: 138, 0.20: 48}, 0.09),
    (0.90, 0.05, 500, {0.05: 510, 0.10: 141, 0.20: 47}, 0.06),
    (0.90, 0.05, 2000, {0.05: 494, 0.10: 141, 0.20: 47}, 0.03),
    (0.50, 0.05, 500, {0.05: 1308, 0.10: 253, 0.20: 78}, 0.08),
    (0.70, 0.05, 500, {0.05: 1109, 0.10: 237, 0.20: 74}, 0.07),
    (0.97, 0.05, 500, {0.05: 226, 0.10: 74, 0.20: 29}, 0.05),
    (0.90, 0.10, 500, {0.05: 1031, 0.10: 169, 0.20: 50}, 0.04),
    (0.90, 0.02, 1000, {0.05: 372, 0.10: 128}, 0.05),
    (0.97, 0.02, 1000, {0.05: 176, 0.10: 71}, 0.06),
]
# before, after, n, specified coverage in %
COVERAGE = [
    (0.95, 0.98, 10, 100), (0.95, 0.98, 50, 99.8), (0.95, 0.98, 100, 97.4), (0.60, 0.70, 10, 99.8),
    (0.60, 0.70, 30, 97.4), (0.60, 0.70, 100, 95.9), (0.70, 0.90, 20, 97.4), (0.70, 0.90, 100, 95.3),
]  # fmt: skip
LONGEST = 20_000


def main() -> None:
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 200
    draw = random.Random(9)
    _table("p", "delta", "reference", "drop", "delay", "specified", "ratio", "delay / D*")
    for p, delta, n_ref, told, _ in DETECTOR:
        for drop, specified in told.items():
            found = [_delay(draw, p, drop, delta, n_ref) for _ in range(runs)]
            seen = [delay for delay in found if delay is not None]
            mean = sum(seen) / len(seen)
            limit = mean / detectable_after(p, p - drop, GAMMA)
            _row(p, delta, n_ref, drop, f"{mean:.0f}", specified, f"{mean / specified:.2f}", f"{limit:.2f}")
    _table("p", "delta", "reference", "false alarms within gamma/10", "specified")
    for p, delta, n_ref, _, alarms in DETECTOR:
        _row(p, delta, n_ref, f"{sum(_false(draw, p, delta, n_ref) for _ in range(runs)) / runs:.3f}", alarms)
    _table("before", "after", "n", "coverage, %", "specified")
    for before, after, n, coverage in COVERAGE:
        inside = sum(_covered(draw, before, after, n) for _ in range(10 * runs)) / (10 * runs)
        _row(before, after, n, f"{100 * inside:.1f}", coverage)
    _table("A/B of equals, looked at after every 50 up to 20,000: wrongly decided, %", "specified")
    _row(f"{100 * sum(_wrong_race(draw) for _ in range(runs)) / runs:.1f}", "at most 4.3 each way")


def _table(*heads: str) -> None:
    print(f"\n| {' | '.join(heads)} |\n{'|---' * len(heads)}|")  # noqa: T201


def _row(*cells: object) -> None:
    print(f"| {' | '.join(map(str, cells))} |", flush=True)  # noqa: T201


def _reference(draw: random.Random, p: float, n: int) -> list[tuple[float, int]]:
    return [(float(draw.random() < p), 0) for _ in range(n)]


def _delay(draw: random.Random, p: float, drop: float, delta: float, n_ref: int) -> int | None:
    """Values from the change to the alarm; None after a false alarm or past LONGEST."""
    detector = Detector.start(_reference(draw, p, n_ref), gamma=GAMMA, delta=delta)
    if any(detector.update(float(draw.random() < p)) for _ in range(1000)):
        return None
    return next((n for n in range(1, LONGEST) if detector.update(float(draw.random() < p - drop))), None)


def _false(draw: random.Random, p: float, delta: float, n_ref: int) -> bool:
    detector = Detector.start(_reference(draw, p, n_ref), gamma=GAMMA, delta=delta)
    return any(detector.update(float(draw.random() < p)) for _ in range(GAMMA // 10))


def _covered(draw: random.Random, before: float, after: float, n: int) -> bool:
    pairs = [(float(u < before), float(u < after)) for u in (draw.random() for _ in range(n))]
    found = compare_changes([Change(str(i), a, b) for i, (a, b) in enumerate(pairs)])
    return found.low <= after - before <= found.high


def _wrong_race(draw: random.Random) -> bool:
    old = new = n = 0
    while n < LONGEST // 2:
        n += 25
        old += sum(draw.random() < 0.9 for _ in range(25))
        new += sum(draw.random() < 0.9 for _ in range(25))
        found = race(arm_of_outcomes(old, n), arm_of_outcomes(new, n), smallest=0.05)
        if found.decision == "equivalent":
            return False
        if found.decision in ("promote", "roll back"):
            return True
    return False


if __name__ == "__main__":
    main()
