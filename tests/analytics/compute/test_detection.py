"""SR-mix: the exact vectors and a part of the tables of docs/statistics.md, sections 1.4 and 1.6.

The whole tables: `python -m tests.bench.statistics`.
"""

import random
from collections.abc import Iterator, Sequence

import msgspec
import pytest

from analytics.compute.detection import Detector, detectable_after

Stream = list[tuple[float, int]]


def cycle(n: int, failing: set[int]) -> Stream:
    return [(0.0 if i % 10 in failing else 1.0, 0) for i in range(n)]


HEALTHY = cycle(300, {0})


def play(
    stream: Sequence[tuple[float, int]], reference: Stream, *, delta: float = 0.05, bins: int = 1
) -> tuple[int | None, int]:
    detector = Detector.start(reference, gamma=10_000, delta=delta, bins=bins)
    for number, (value, at) in enumerate(stream, 1):
        if detector.update(value, at):
            return number, detector.since
    return None, detector.since


def lcg(seed: int) -> Iterator[float]:
    while True:
        seed = (1103515245 * seed + 12345) % 2**31
        yield seed / 2**31


def test_start() -> None:
    made = Detector.start(HEALTHY, gamma=10_000, delta=0.05)
    assert (made.mean, made.variance, made.design) == pytest.approx((0.898671096, 0.090035946, 1))


@pytest.mark.parametrize(
    ("stream", "delta", "told"),
    [
        (cycle(400, {0}) + cycle(400, {0, 3, 6}), 0.05, (451, 400)),
        (cycle(400, {0}) + cycle(400, {0, 5}), 0.05, (566, 400)),
        (cycle(5000, {0}), 0.05, (None, 5000)),
        (cycle(400, {0}) + cycle(400, {0, 5}), 0.02, (561, 400)),
    ],
)
def test_vectors_1_to_4(stream: Stream, delta: float, told: tuple[int | None, int]) -> None:
    assert play(stream, HEALTHY, delta=delta) == told


def test_vector_5_hours_of_the_day() -> None:
    def by_hour(stream: Stream) -> Stream:
        return [(value, i % 24) for i, (value, _) in enumerate(stream)]

    stream = by_hour(cycle(400, {0}) + cycle(400, {0, 5}))
    assert play(stream, by_hour(HEALTHY), bins=24) == (576, 400)


def test_vector_6_scores() -> None:
    def scores(n: int, less: float = 0.0) -> Stream:
        return [((0.7, 0.8, 0.9, 1.0)[i % 4] - less, 0) for i in range(n)]

    assert play(scores(400) + scores(400, 0.1), scores(300)) == (422, 400)


def test_vector_7_calls_in_clusters() -> None:
    draw = lcg(42)

    def five_times(n: int, p: float) -> Stream:
        return [(float(u < p), 0) for u in (next(draw) for _ in range(n // 5)) for _ in range(5)]

    reference = five_times(1000, 0.9)
    stream = five_times(400, 0.9) + five_times(1000, 0.7)
    assert Detector.start(reference, gamma=10_000, delta=0.05).design == pytest.approx(3.339841, abs=1e-6)
    assert play(stream, reference) == (514, 255)


def test_vector_8() -> None:
    draw = lcg(7)

    def rows(n: int, p: float) -> Stream:
        return [(float(next(draw) < p), 0) for _ in range(n)]

    reference = rows(500, 0.9)
    stream = rows(400, 0.9) + rows(400, 0.8)
    assert Detector.start(reference, gamma=10_000, delta=0.05).design == pytest.approx(1.064896, abs=1e-6)
    assert play(stream, reference) == (528, 155)


def test_state_after_400_healthy_rows() -> None:
    detector = Detector.start(HEALTHY, gamma=10_000, delta=0.05)
    for value, at in cycle(400, {0}):
        detector.update(value, at)
    assert (detector.n, detector.log_bet) == (700, 0)
    assert detector.ratios == pytest.approx([50.8142, 14.9906, 4.1657, 1.0979], rel=1e-4)


@pytest.mark.parametrize(("drop", "told"), [(0.02, 1079), (0.05, 316), (0.10, 115), (0.20, 41)])
def test_what_anything_could_detect(drop: float, told: int) -> None:
    assert detectable_after(0.9, 0.9 - drop, 10_000) == pytest.approx(told, abs=1)


@pytest.mark.parametrize(("p", "drop", "told"), [(0.9, 0.1, 141), (0.9, 0.2, 47), (0.97, 0.1, 74), (0.7, 0.2, 74)])
def test_mean_delay_after_a_thousand_healthy_rows(p: float, drop: float, told: float) -> None:
    draw = random.Random(2)
    delays: list[int] = []
    while len(delays) < 250:
        reference = [(float(draw.random() < p), 0) for _ in range(500)]
        detector = Detector.start(reference, gamma=10_000, delta=0.05)
        if any(detector.update(float(draw.random() < p)) for _ in range(1000)):
            continue
        delay = 1
        while not detector.update(float(draw.random() < p - drop)):
            delay += 1
        delays.append(delay)
    assert sum(delays) / len(delays) == pytest.approx(told, rel=0.15)


def test_false_alarms_within_a_tenth_of_the_promise() -> None:
    draw, alarms, rounds = random.Random(4), 0, 300
    for _ in range(rounds):
        reference = [(float(draw.random() < 0.9), 0) for _ in range(500)]
        detector = Detector.start(reference, gamma=10_000, delta=0.05)
        alarms += any(detector.update(float(draw.random() < 0.9)) for _ in range(1000))
    assert alarms / rounds == pytest.approx(0.06, abs=0.04)


@pytest.mark.parametrize("healthy", [300, 1000, 5000])
def test_a_total_outage_of_what_never_failed_is_noticed_at_once(healthy: int) -> None:
    detector = Detector.start([(1.0, 0)] * 300, gamma=5_000, delta=0.02)
    assert not any(detector.update(1.0) for _ in range(healthy - 300))
    assert any(detector.update(0.0) for _ in range(30))


@pytest.mark.parametrize("cluster", [1, 3])
def test_rare_failures_also_in_threes_seldom_alarm(cluster: int) -> None:
    draw = random.Random(5)

    def calls(n: int) -> list[float]:
        return [value for _ in range(n // cluster) for value in [float(draw.random() < 0.997)] * cluster]

    alarms, rounds = 0, 300
    for _ in range(rounds):
        detector = Detector.start([(value, 0) for value in calls(300)], gamma=10_000, delta=0.02)
        alarms += any(detector.update(value) for value in calls(999))
    assert alarms / rounds <= 0.17


def test_the_state_is_a_small_json_that_goes_on_where_it_stopped() -> None:
    whole = Detector.start([(v, i % 24) for i, (v, _) in enumerate(HEALTHY)], gamma=10_000.0, delta=0.05, bins=24)
    raw = msgspec.json.encode(whole)
    for i, (value, _) in enumerate(cycle(700, {0, 4})):
        other = msgspec.json.decode(raw, type=Detector)
        assert whole.update(value, i % 24) == other.update(value, i % 24)
        raw = msgspec.json.encode(other)
        assert len(raw) <= 2048
    assert msgspec.json.encode(whole) == raw
