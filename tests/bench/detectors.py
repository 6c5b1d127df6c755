"""Uplift's detectors beside threshold rules and river's, on the same labelled streams, judged by the same judge.

    uv run --with river==0.26.1 python -m tests.bench.detectors STREAMS JUDGE.py [STREAMS_PER_FAMILY]

STREAMS is a folder of labelled streams and JUDGE.py a script that takes --streams, --alarms and --json. Each contestant
watches only the column that degrades in the family; river's have their default settings.
"""

import csv
import json
import math
import subprocess
import sys
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import mean

from river import base, drift

from analytics.compute.replay import readings_of, replay
from analytics.compute.signals import Signal

GAMMA = 10_000.0
SIGNALS: dict[str, tuple[Signal, ...]] = {
    "success": ("success",), "score": ("score",), "latency_ms": ("latency_ms:typical", "latency_ms:slow"),
    "cost": ("cost",),
}  # fmt: skip
Rule = Callable[[Path, str, int, str], float | None]  # folder, stream, reference, column -> time of the alarm


def uplift(folder: Path, name: str, reference: int, column: str) -> float | None:
    alarms = replay(folder, name, reference, SIGNALS[column], GAMMA)
    return min((alarm.at for alarm in alarms), default=None)


def window(width: int, points: float, factor: float) -> Rule:
    """A threshold on a rolling mean: so many points of success, half of them of the score; latency's 95th percentile
    times `factor`, cost times 1.2."""

    def rule(folder: Path, name: str, reference: int, column: str) -> float | None:
        rows = _column(folder, name, column)
        healthy = [value for _, value in _taken(rows, reference)]
        last: deque[float] = deque(maxlen=width)
        quantile = column == "latency_ms"
        base = _p95(healthy) if quantile else mean(healthy)
        for at, value in rows:
            last.append(value)
            if len(last) < width:
                continue
            now = _p95(last) if quantile else mean(last)
            if {
                "success": now < base - points / 100, "score": now < base - points / 200,
                "latency_ms": now > base * factor, "cost": now > base * 1.2,
            }[column]:  # fmt: skip
                return at
        return None

    return rule


def of_river(make: Callable[[], base.DriftDetector], *, errors: bool = False) -> Rule:
    """One of river's; those for errors see 1 for a failure. It reads the reference too; alarms there are lost."""

    def rule(folder: Path, name: str, reference: int, column: str) -> float | None:
        detector = make()
        for number, (at, value) in enumerate(_column(folder, name, column)):
            told = math.log(value) if column in ("latency_ms", "cost") else value
            detector.update(1 - int(value) if errors else told)
            if detector.drift_detected and number >= reference:
                return at
        return None

    return rule


CONTESTANTS: dict[str, Rule] = {
    "Uplift": uplift,
    "rolling mean of 100, −10 points": window(100, 10, 1.5),
    "rolling mean of 100, −5 points": window(100, 5, 1.25),
    "river ADWIN": of_river(drift.ADWIN),
    "river PageHinkley": of_river(drift.PageHinkley),
}
OF_SUCCESS: dict[str, Rule] = {  # streams in which success degrades, or nothing
    "Uplift, success": uplift,
    "river DDM, success": of_river(drift.binary.DDM, errors=True),
    "river HDDM_A, success": of_river(drift.binary.HDDMA, errors=True),
}


def main() -> None:
    streams, judge = Path(sys.argv[1]), sys.argv[2]
    per_family = int(sys.argv[3]) if len(sys.argv) > 3 else 10**9
    chosen, counted = [], Counter[str]()
    with (streams / "labels.csv").open(newline="") as file:
        for label in csv.DictReader(file):
            counted[label["family"]] += 1
            if counted[label["family"]] <= per_family:
                chosen.append(label)
    print("| detector | run length on calm streams | worst calm family | delay / D* | at its own run length | missed |")  # noqa: T201
    print("|---|---|---|---|---|---|")  # noqa: T201
    of_success = [label for label in chosen if label["signal"] in ("", "success")]
    for contestants, labels in ((CONTESTANTS, chosen), (OF_SUCCESS, of_success)):
        for name, rule in contestants.items():
            print(f"| {name} | {_judged(streams, judge, labels, rule)} |", flush=True)  # noqa: T201


def _judged(streams: Path, judge: str, labels: list[dict[str, str]], rule: Rule) -> str:
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder)
        for label in labels:
            (kept / f"{label['stream']}.csv").symlink_to((streams / f"{label['stream']}.csv").resolve())
        with (kept / "labels.csv").open("w", newline="") as file:
            writer = csv.DictWriter(file, list(labels[0]))
            writer.writeheader()
            writer.writerows(labels)
        with (kept / "alarms.csv").open("w", newline="") as file:
            out = csv.writer(file)
            out.writerow(("stream", "t", "signal"))
            for label in labels:
                column = label["signal"] or "success"
                if (at := rule(kept, label["stream"], int(label["ref_n"]), column)) is not None:
                    out.writerow((label["stream"], at, column))
        command = [sys.executable, judge, "--streams", str(kept), "--alarms", str(kept / "alarms.csv"), "--json", "-"]
        found = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    calm = {name: told for name, told in found["families"].items() if "judged" not in told}
    worst = min(calm.items(), key=lambda pair: pair[1]["arl0"] or math.inf)
    length = f"{found['arl0']:,.0f}" if found["arl0"] else f"over {found['arl0_at_least']:,.0f}"
    least = f"{worst[0].removeprefix('null_')} {worst[1]['arl0'] or math.inf:,.0f}"
    return (
        f"{length} | {least} | {found['geo_mean_ratio']:.2f} | {found['geo_mean_ratio_fair']:.2f}"
        f" | {100 * found['missed_share']:.1f} %"
    )


def _column(folder: Path, name: str, column: str) -> Iterator[tuple[float, float]]:
    for at, reading in readings_of(folder, name):
        value = getattr(reading, column if column not in ("cost",) else "cost_usd")
        if value is not None:
            yield at, float(value)


def _taken(rows: Iterator[tuple[float, float]], n: int) -> list[tuple[float, float]]:
    return [row for _, row in zip(range(n), rows, strict=False)]


def _p95(values: list[float] | deque[float]) -> float:
    return sorted(values)[math.ceil(0.95 * len(values)) - 1]


if __name__ == "__main__":
    main()
