"""`python -m tests.chaos [--rounds N] [--seed N] [--embedded]`: rounds of faults, and what held."""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.chaos.faults import drawn
from tests.chaos.stage import Stage, staged
from tests.journeys.cluster import postgresql_programs

EVERY = 20  # rounds between full checks: all load stops and everything is compared


def rounds_of(stage: Stage, rounds: int, seed: int) -> Counter[str]:
    """Injects faults under load and checks everything at the end. Raises AssertionError where a promise was broken."""
    chance, done = random.Random(seed), Counter[str]()
    stage.begin(seed)
    for fault in drawn(stage, rounds, seed):
        time.sleep(chance.uniform(0.2, 2.0))
        fault(stage)
        done[fault.__name__] += 1
    stage.end()
    told = stage.check()
    sys.stdout.write(f"{sum(done.values())} faults, {told}\n")
    sys.stdout.flush()
    return done


def main() -> None:
    asked = argparse.ArgumentParser()
    asked.add_argument("--rounds", type=int, default=200)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--embedded", action="store_true", help="SQLite and the embedded broker instead of servers.")
    options = asked.parse_args()
    programs = None
    if not options.embedded:
        programs = postgresql_programs()
    began, done = time.monotonic(), Counter[str]()
    with tempfile.TemporaryDirectory() as folder, staged(Path(folder) / "chaos" / "stage", programs) as stage:
        for start in range(0, options.rounds, EVERY):
            done += rounds_of(stage, min(EVERY, options.rounds - start), options.seed + start)
    told = ", ".join(f"{name} {n}" for name, n in sorted(done.items()))
    sys.stdout.write(f"{options.rounds} rounds in {time.monotonic() - began:.0f} s, every promise kept: {told}\n")


if __name__ == "__main__":
    main()
