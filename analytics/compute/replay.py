"""Play recorded streams through the detectors, as production does: duplicates left out, in the order of arrival."""

import csv
import gzip
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from analytics.compute.signals import Reading, Signal, Watch

COLUMNS = ("arrived", "id", "t", "success", "score", "latency_ms", "cost")


class StreamError(ValueError):
    """A stream that cannot be read; says file, line and why."""


@dataclass(frozen=True)
class Alarm:
    """The first alarm of a signal in a stream: when the row arrived that raised it, and which of the rows it was."""

    stream: str
    at: float
    signal: Signal
    row: int


def streams_of(folder: Path) -> Iterator[tuple[str, int]]:
    """(name, number of reference rows) of each stream in labels.csv. Raises StreamError."""
    path = folder / "labels.csv"
    try:
        with path.open(newline="", encoding="utf-8") as file:
            for number, row in enumerate(csv.DictReader(file), 2):
                try:
                    yield row["stream"], int(row["ref_n"])
                except (KeyError, TypeError, ValueError) as error:
                    raise StreamError(f"{path}, line {number}: {error}") from None
    except OSError as error:
        raise StreamError(f"{path}: {error.strerror}") from None


def replay(folder: Path, name: str, reference: int, signals: Sequence[Signal], gamma: float) -> list[Alarm]:
    """The first alarm of each signal; `gamma` executions pass before a false alarm of any of them. A signal arms once
    its reference suffices: with the labelled rows, or later by the rows that follow them."""
    healthy: list[Reading] = []
    watches: dict[Signal, Watch] = {}
    waiting = list(signals)
    alarms: list[Alarm] = []
    for row, (arrived, reading) in enumerate(readings_of(folder, name), 1):
        for signal, watch in list(watches.items()):
            if watch.update(reading):
                alarms.append(Alarm(name, arrived, signal, row))
                del watches[signal]
        if not waiting:
            if not watches:
                break
            continue
        healthy.append(reading)
        if row >= reference and (row == reference or row % 50 == 0):
            for signal in list(waiting):
                if made := Watch.start(signal, healthy, gamma=gamma * len(signals)):
                    watches[signal] = made
                    waiting.remove(signal)
    return alarms


def readings_of(folder: Path, name: str) -> Iterator[tuple[float, Reading]]:
    """Each execution once, with the time of its arrival. Raises StreamError."""
    path = folder / f"{name}.csv"
    seen: set[str] = set()
    try:
        with _open(path) as file:
            rows = csv.DictReader(file)
            for row in rows:
                try:
                    if row["id"] in seen:
                        continue
                    seen.add(row["id"])
                    yield float(row["arrived"]), _reading(row)
                except (KeyError, TypeError, ValueError) as error:
                    raise StreamError(f"{path}, line {rows.line_num}: {error}") from None
    except OSError as error:
        raise StreamError(f"{path}: {error.strerror or error}") from None


def _open(path: Path) -> IO[str]:
    """The file, or its zipped twin."""
    packed = path.with_name(f"{path.name}.gz")
    if packed.exists() and not path.exists():
        return gzip.open(packed, "rt", newline="", encoding="utf-8")
    return path.open(newline="", encoding="utf-8")


def _reading(row: dict[str, str]) -> Reading:
    def number(name: str) -> float | None:
        return float(row[name]) if row.get(name) else None

    return Reading(
        float(row["t"]), float(row["success"]) > 0.5, number("score"), number("latency_ms"), number("cost")
    )  # fmt: skip
