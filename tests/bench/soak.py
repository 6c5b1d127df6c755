"""`python -m tests.bench.soak [--minutes N] [--share S]`: load at a share of the peak, and whether memory stays flat.

First the peak is measured (three senders as fast as they can, 20 s), then the share is sent for so long. Prints RSS and
PSS of all processes every tenth of the time, the growth from the second tenth to the last, and the errors; fails where
there are any, or memory grew by more than a tenth.
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path
from uuid import uuid4

from tests.chaos.load import Client
from tests.factories.workers import routing_program
from tests.journeys.installation import Installation

SENDERS, BATCH, PEAK_S = 3, 200, 20
MOST_GROWTH = 1.1


class Sender(threading.Thread):
    """Sends so many rows a second; 0: as fast as it can."""

    def __init__(self, client: Client, rate: float) -> None:
        super().__init__(daemon=True)
        self.client, self.rate, self.sent, self.errors = client, rate, 0, 0
        self.stopping = threading.Event()

    def run(self) -> None:
        began = time.monotonic()
        while not self.stopping.is_set():
            now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            rows = [
                {
                    "id": str(uuid4()), "worker": "Routing", "started_at": now, "latency_ms": 5.0,
                    "inputs": {"message": "where is my parcel"}, "outputs": {"team": "K3"},
                }
                for _ in range(BATCH)
            ]  # fmt: skip
            try:
                self.sent += self.client("POST", "/executions", {"executions": rows})["accepted"]
            except Exception:
                self.errors += 1
            if self.rate:
                time.sleep(max(0.0, began + self.sent / self.rate - time.monotonic()))


def run(client: Client, seconds: float, rate: float) -> list[Sender]:
    senders = [Sender(client, rate / SENDERS) for _ in range(SENDERS)]
    for sender in senders:
        sender.start()
    time.sleep(seconds)
    return senders


def stop(senders: list[Sender]) -> tuple[int, int]:
    for sender in senders:
        sender.stopping.set()
    for sender in senders:
        sender.join()
    return sum(sender.sent for sender in senders), sum(sender.errors for sender in senders)


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--minutes", type=float, default=60)
    asked.add_argument("--share", type=float, default=0.5)
    options = asked.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        installation = Installation(Path(folder) / "i", {"UPLIFT_INGEST_RATE": "0"}).start()
        try:
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
            sent, errors = stop(senders)
            growth = seen[-1][1] / seen[1][1]
            sys.stdout.write(f"{sent:,} rows, {errors} errors, PSS grew by a factor of {growth:.2f}\n")
            if errors or growth > MOST_GROWTH:
                sys.exit("Memory is not flat, or something was refused.")
        finally:
            installation.stop()


if __name__ == "__main__":
    main()
