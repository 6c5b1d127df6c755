"""`python -m tests.bench.soak [--minutes N] [--share S]`: load at a share of the peak, and whether memory stays flat.

An installation with an empty folder is started and its peak is measured (three senders as fast as they can, 20 s); then
the share is sent for so long. Prints the seconds until the first page, RSS and PSS of all processes every tenth of the
time, the growth from the second tenth to the last, and what was answered but yes. Fails where something was refused for
good, or memory grew by more than a tenth.
"""

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

from tests.chaos.load import BUSY, Client, Refused, plain_rows
from tests.factories.workers import routing_program
from tests.journeys.installation import Installation

SENDERS, BATCH, PEAK_S = 3, 200, 20
MOST_GROWTH = 1.1
AGAIN = {str(code) for code in BUSY}


class Sender(threading.Thread):
    """Sends so many rows a second; 0: as fast as it can."""

    def __init__(self, client: Client, rate: float) -> None:
        super().__init__(daemon=True)
        self.client, self.rate, self.sent = client, rate, 0
        self.answers = Counter[str]()
        self.stopping = threading.Event()

    def run(self) -> None:
        began = time.monotonic()
        while not self.stopping.is_set():
            rows = plain_rows(BATCH, time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()))
            try:
                self.sent += self.client("POST", "/executions", {"executions": rows})["accepted"]
            except (OSError, Refused) as error:
                self.answers[str(getattr(error, "reason", error))] += 1
            if self.rate:
                time.sleep(max(0.0, began + self.sent / self.rate - time.monotonic()))


def run(client: Client, seconds: float, rate: float) -> list[Sender]:
    senders = [Sender(client, rate / SENDERS) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    time.sleep(seconds)
    return senders


def stop(senders: list[Sender]) -> tuple[int, Counter[str]]:
    """How many rows were accepted, and the answers that were no acceptance: 429 and 503 say to send again."""
    for sender in senders:
        sender.stopping.set()
    for sender in senders:
        sender.join()
    return sum(sender.sent for sender in senders), sum((sender.answers for sender in senders), Counter[str]())


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--minutes", type=float, default=60)
    asked.add_argument("--share", type=float, default=0.5)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        installation, began = Installation(Path(folder) / "i", {"UPLIFT_INGEST_RATE": "0"}), time.monotonic()
        try:
            installation.start()
            sys.stdout.write(f"first page after {time.monotonic() - began:.1f} s\n")
            client = Client(installation, installation.command("create_token", "--name", "t", "--scope", "record"))
            client("POST", "/workers/register", {"name": "Routing", "program": routing_program()})
            rss, pss = installation.memory_mb()
            sys.stdout.write(f"idle: RSS {rss:.0f} MB, PSS {pss:.0f} MB\n")
            peak = stop(run(client, PEAK_S, 0))[0] / PEAK_S
            rate = options.share * peak
            sys.stdout.write(f"peak {peak:,.0f} rows/s; {rate:,.0f} rows/s for {options.minutes:g} minutes\n")
            senders, seen = run(client, 0, rate), []
            for tenth in range(10):
                time.sleep(6 * options.minutes)
                seen.append(installation.memory_mb())
                sys.stdout.write(f"{tenth + 1}/10: RSS {seen[-1][0]:.0f} MB, PSS {seen[-1][1]:.0f} MB\n")
                sys.stdout.flush()
            sent, answers = stop(senders)
            growth = seen[-1][1] / seen[1][1]
            told = ", ".join(f"{count} x {answer}" for answer, count in answers.items()) or "nothing else"
            sys.stdout.write(f"{sent:,} rows accepted; {told}; PSS grew by a factor of {growth:.2f}\n")
            if set(answers) - AGAIN or growth > MOST_GROWTH:
                sys.exit("Memory is not flat, or something was refused for good.")
        finally:
            installation.stop()


if __name__ == "__main__":
    main()
