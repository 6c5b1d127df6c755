"""Signals are values in [0, 1], higher is better; watches arm when they know enough."""

import random
from dataclasses import dataclass

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.compute.signals import SIGNALS, Reading, Signal, Watch

HOUR = 3600.0


@dataclass
class World:
    """Production that can be told to get worse."""

    draw: random.Random
    at: float = 1_767_225_600.0

    def reading(
        self, *, success: float = 0.9, score: float = 0.85, slower: float = 1.0, dearer: float = 1.0
    ) -> Reading:
        self.at += 60
        good = self.draw.random() < success
        return Reading(
            self.at, good, min(1.0, max(0.0, self.draw.gauss(score, 0.1))) if good else None,
            slower * self.draw.lognormvariate(6.8, 0.6), dearer * self.draw.lognormvariate(-5.5, 0.35),
        )  # fmt: skip


def armed(world: World, signal: Signal, n: int = 500) -> Watch:
    made = Watch.start(signal, [world.reading() for _ in range(n)], gamma=10_000)
    assert made is not None
    return made


def delay(watch: Watch, world: World, *, most: int = 6000, change: dict[str, float] | None = None) -> int | None:
    return next((n for n in range(1, most) if watch.update(world.reading(**(change or {})))), None)


@pytest.mark.parametrize(
    ("signal", "change", "at_most"),
    [
        ("success", {"success": 0.7}, 200),
        ("success", {"success": 0.0}, 12),
        ("score", {"score": 0.75}, 150),
        ("latency_ms:typical", {"slower": 2.0}, 80),
        ("latency_ms:slow", {"slower": 2.0}, 150),
        ("cost", {"dearer": 1.5}, 80),
    ],
)
def test_what_gets_worse_is_noticed_by_its_own_signal(signal: Signal, change: dict[str, float], at_most: int) -> None:
    world = World(random.Random(7))
    watch = armed(world, signal)
    assert delay(watch, world, most=500) is None
    found = delay(watch, world, change=change)
    assert found is not None
    assert found <= at_most


@pytest.mark.parametrize("signal", SIGNALS)
def test_what_gets_better_raises_no_alarm(signal: Signal) -> None:
    world = World(random.Random(8))
    watch = armed(world, signal)
    better = {"success": 0.99, "score": 0.95, "slower": 0.5, "dearer": 0.5}
    assert delay(watch, world, most=3000, change=better) is None


@given(
    st.lists(
        st.builds(
            Reading, st.floats(0, 1e9), st.booleans(), st.none() | st.floats(0, 1), st.none() | st.floats(0, 1e9),
            st.none() | st.floats(0, 1e6),
        ),
        min_size=100, max_size=200,
    ),
    st.sampled_from(SIGNALS),
)  # fmt: skip
def test_no_reading_breaks_a_watch(readings: list[Reading], signal: Signal) -> None:
    watch = Watch.start(signal, readings, gamma=1000)
    for reading in readings if watch else ():
        assert watch is not None
        watch.update(reading)
        assert 0 <= watch.detector.evidence <= 1


def test_too_little_is_known_to_arm() -> None:
    world = World(random.Random(9))
    assert Watch.start("success", [world.reading() for _ in range(99)], gamma=1000) is None
    even = [Reading(i, i % 2 == 0, None, None, None) for i in range(300)]
    assert Watch.start("success", even, gamma=1000, drop=0.02) is None  # 0.25 / 0.02² = 625
    assert Watch.start("score", even, gamma=1000) is None


def test_five_days_of_reference_know_the_hours() -> None:
    world = World(random.Random(10))
    short = armed(world, "success", 600)
    long = Watch.start("success", [world.reading() for _ in range(9000)], gamma=10_000)
    assert long is not None
    assert (len(short.detector.bins), len(long.detector.bins)) == (1, 24)


def test_a_watch_is_a_small_json() -> None:
    world = World(random.Random(11))
    watch = Watch.start("latency_ms:typical", [world.reading() for _ in range(9000)], gamma=10_000.0)
    for _ in range(500):
        assert watch is not None
        watch.update(world.reading())
    raw = msgspec.json.encode(watch)
    assert len(raw) <= 2048
    assert msgspec.json.encode(msgspec.json.decode(raw, type=Watch)) == raw
