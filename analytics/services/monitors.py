"""Detectors in production: they learn from the first executions of a version, then watch every further one."""

import logging
import zlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

import msgspec
from django.db import transaction

from analytics.compute.signals import SIGNALS, Reading, Signal, Watch, measured
from analytics.models import Monitor, WatchPolicy
from analytics.selectors.watching import promise_of
from analytics.services.incidents import Following, incident_following, incident_open
from optimizer_app.common.measures import Measure
from optimizer_app.models import Promotion, Worker

logger = logging.getLogger(__name__)
ARM_EVERY = 50  # readings between attempts to arm
ARM_FROM = 300  # with 100 the baseline of a good worker may be 100 % by luck, and the first failures an alarm
MOST_LEARNING = 2_000  # readings kept for signals that are not armed yet
_READINGS = msgspec.msgpack.Decoder(list[Reading])


@dataclass
class _Watching:
    """A monitor at work within one absorption."""

    monitor: Monitor
    policy: WatchPolicy
    watches: dict[Signal, Watch] = field(default_factory=dict)
    learning: list[Reading] = field(default_factory=list)
    followed: dict[Signal, Following | None] = field(default_factory=dict)


def monitors_update(measures: Sequence[Measure]) -> None:
    """Let the detectors of active versions see what was absorbed, in its order; inside that transaction, under the
    lock of the register."""
    readings = readings_of(measures)
    active = dict(Worker.objects.filter(pk__in={worker for worker, _ in readings}).values_list("pk", "active_version"))
    policies = {policy.worker_id: policy for policy in WatchPolicy.objects.filter(worker__in=active)}
    for (worker, version), told in readings.items():
        policy = policies.get(worker) or WatchPolicy(worker_id=worker)
        if policy.enabled and version in (0, active[worker]):
            try:
                with transaction.atomic():
                    _update(worker, version, policy, told)
            except Exception:  # one worker's detectors must not keep the statistics of all from going on
                logger.exception("The detectors of worker %s, version %s, missed %d calls.", worker, version, len(told))


def readings_of(measures: Iterable[Measure]) -> dict[tuple[int, int], list[Reading]]:
    """By worker and version. Of a correction, only a score that was not known before is news."""
    found: dict[tuple[int, int], list[Reading]] = defaultdict(list)
    taken_back: Measure | None = None
    for measure in measures:
        if measure.sign < 0:
            taken_back = measure
        elif taken_back is not None:
            if taken_back.score is None and measure.score is not None:
                found[measure.worker, measure.version].append(Reading(measure.at, None, measure.score, None, None))
            taken_back = None
        else:
            reading = Reading(measure.at, measure.success, measure.score, measure.latency_ms, measure.cost_usd)
            found[measure.worker, measure.version].append(reading)
    return found


def _update(worker: int, version: int, policy: WatchPolicy, readings: Sequence[Reading]) -> None:
    monitor, created = Monitor.objects.get_or_create(worker_id=worker, version=version)
    if created and version:
        _inherit(monitor)
    kept = {name: msgspec.convert(state, Watch) for name, state in monitor.watches.items()}
    armed = {signal: kept[signal] for signal in SIGNALS if signal in kept}
    watching = _Watching(monitor, policy, armed, _kept(monitor))
    for reading in readings:
        monitor.seen += reading.success is not None
        for signal, watch in watching.watches.items():
            _see(watching, signal, watch, reading)
        _learn(watching, reading)
    for following in watching.followed.values():
        if following is not None:
            following.save()
    monitor.watches = {signal: msgspec.to_builtins(watch) for signal, watch in watching.watches.items()}
    monitor.learning = zlib.compress(msgspec.msgpack.encode(watching.learning), 1) if watching.learning else b""
    monitor.save(update_fields=["seen", "watches", "learning", "inherited"])


def _inherit(monitor: Monitor) -> None:
    """Watch a version from its first call on: against the level of the version that it replaced, where that one had no
    alarm. So harm done by a promotion is noticed before the version's own level is known."""
    promotion = Promotion.objects.filter(version=monitor.version).order_by("-id").first()
    before = Monitor.objects.filter(worker=monitor.worker_id, version=promotion.previous_id or 0) if promotion else None
    kept = before.first() if before is not None else None
    for signal, state in (kept.watches if kept else {}).items():
        watch = msgspec.convert(state, Watch)
        if not watch.detector.alarmed:
            watch.detector.rearm()
            monitor.watches[signal] = msgspec.to_builtins(watch)
            monitor.inherited.append(signal)


def _see(watching: _Watching, signal: Signal, watch: Watch, reading: Reading) -> None:
    if not watch.detector.alarmed:
        if watch.update(reading):
            incident_open(watching.monitor, signal, watch, datetime.fromtimestamp(reading.at, UTC))
        return
    value = watch.value(reading)
    if value is None:
        return
    if signal not in watching.followed:
        watching.followed[signal] = incident_following(watching.monitor, signal)
    following = watching.followed[signal]
    if following is None or following.back(value):
        watch.detector.rearm()
        del watching.followed[signal]


def _learn(watching: _Watching, reading: Reading) -> None:
    missing = _unknown(watching)
    if not any(measured(signal, reading) for signal in missing):
        return
    watching.learning.append(reading)
    if len(watching.learning) < ARM_FROM or len(watching.learning) % ARM_EVERY:
        return
    promise = promise_of(watching.monitor.worker_id, watching.policy.days)
    for signal in missing:
        drop = watching.policy.drops.get(signal)
        if watch := Watch.start(signal, watching.learning, gamma=promise * len(SIGNALS), drop=drop):
            watching.watches[signal] = watch
            watching.monitor.inherited = [name for name in watching.monitor.inherited if name != signal]
    missing = _unknown(watching)
    useful = [kept for kept in watching.learning if any(measured(signal, kept) for signal in missing)]
    watching.learning = useful[-MOST_LEARNING:]


def _unknown(watching: _Watching) -> list[Signal]:
    """Signals whose own level is not known yet. What an inherited detector has alarmed of is no level to learn."""
    return [
        signal for signal in SIGNALS
        if signal not in watching.watches
        or (signal in watching.monitor.inherited and not watching.watches[signal].detector.alarmed)
    ]  # fmt: skip


def _kept(monitor: Monitor) -> list[Reading]:
    return _READINGS.decode(zlib.decompress(bytes(monitor.learning))) if monitor.learning else []
