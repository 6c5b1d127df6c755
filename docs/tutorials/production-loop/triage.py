"""A worker in production: sorts messages, 500 of them and then one a second, until Ctrl-C.

UPLIFT_URL=http://127.0.0.1:8000 UPLIFT_TOKEN=upl_… uv run docs/tutorials/production-loop/triage.py
"""

import argparse
import itertools
import random
import sys
import time
from pathlib import Path
from typing import Literal

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

import dspy

from optimizer_app import sdk

TEAMS = {
    "K1": ["invoice", "payment", "refund", "discount"],
    "K2": ["password", "login", "account", "username"],
    "K3": ["parcel", "delivery", "courier", "tracking"],
}
FRAMES = ["{0}, {1}", "{0} and {1}?", "{0} or {1}", "{0}: {1}!", "{0} ... {1}", "{0} / {1}", "{0} with {1}"]


@sdk.dspy_worker_optimized("Message triage", optimizer="BootstrapFewShotWithRandomSearch")
class Triage(dspy.Signature):
    """Choose the team for the message."""

    message: str = dspy.InputField()
    team: Literal["K1", "K2", "K3"] = dspy.OutputField()


def messages(seed: int) -> list[str]:
    """All messages there are, shuffled."""
    pairs = [pair for words in TEAMS.values() for pair in itertools.permutations(words, 2)]
    every = [frame.format(*pair) for pair in pairs for frame in FRAMES]
    random.Random(seed).shuffle(every)  # noqa: S311 - a shuffle
    return every


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=500)
    parser.add_argument("--pause", type=float, default=0.02, help="seconds between the first calls")
    parser.add_argument("--model", default="http://127.0.0.1:8900/v1", help="address of the language model")
    asked = parser.parse_args()
    dspy.configure(lm=dspy.LM("openai/lexical", api_base=asked.model, api_key="none", cache=False))
    shown = None
    for number, message in enumerate(itertools.cycle(messages(7)), start=1):
        answer = Triage(message=message)
        version = Triage.care.active.current.number
        if number % 100 == 0 and number <= asked.calls:
            print(f"{number} calls", flush=True)  # noqa: T201
        if number >= asked.calls:
            if version != shown:
                print(f"version {version} answers: “{message}” goes to {answer.team}", flush=True)  # noqa: T201
                shown = version
            time.sleep(1)
        time.sleep(asked.pause)


if __name__ == "__main__":
    main()
