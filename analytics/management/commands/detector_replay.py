"""`manage.py detector_replay STREAMS_DIR --out ALARMS.csv`: what the detectors would have said of recorded streams."""

import csv
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from analytics.compute.replay import Alarm, StreamError, replay, streams_of
from analytics.compute.signals import SIGNALS, Signal


class Command(BaseCommand):
    """The same code as in production; no database is needed."""

    help = "Play a folder of streams (labels.csv and one CSV a stream) through the detectors and write their alarms."
    requires_system_checks: list[str] = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("folder", type=Path, metavar="STREAMS_DIR")
        parser.add_argument("--out", type=Path, required=True, metavar="ALARMS.csv")
        parser.add_argument("--gamma", type=float, default=10_000, help="Executions that pass before a false alarm.")
        parser.add_argument(
            "--signals", type=_signals, default=SIGNALS,
            help=f"Separated by commas, of {', '.join(SIGNALS)}; latency_ms means both. All share the promise.",
        )  # fmt: skip

    def handle(self, *args: Any, **options: Any) -> None:
        if not options["gamma"] > 1:
            raise CommandError("The promise is a number of executions above 1.")
        alarms: list[Alarm] = []
        count = 0
        try:
            for name, reference in streams_of(options["folder"]):
                alarms += replay(options["folder"], name, reference, options["signals"], options["gamma"])
                count += 1
        except StreamError as error:
            raise CommandError(str(error)) from None
        try:
            with options["out"].open("w", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                writer.writerow(["stream", "t", "signal", "row"])
                writer.writerows([alarm.stream, alarm.at, alarm.signal, alarm.row] for alarm in alarms)
        except OSError as error:
            raise CommandError(f"{options['out']}: {error.strerror}") from None
        self.stdout.write(f"{len(alarms):,} alarms on {count:,} streams: {options['out']}")


def _signals(text: str) -> tuple[Signal, ...]:
    chosen: dict[Signal, None] = {}
    for name in filter(None, (part.strip() for part in text.split(","))):
        found = [signal for signal in SIGNALS if name in (signal, signal.partition(":")[0])]
        if not found:
            raise ArgumentTypeError(f"there is no signal “{name}”; there are {', '.join(SIGNALS)}")
        chosen.update(dict.fromkeys(found))
    if not chosen:
        raise ArgumentTypeError("name at least one signal")
    return tuple(chosen)
