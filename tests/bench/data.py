"""The data that the benches run on: eight intents of banking77 that are easily confused."""

import csv
import random
from pathlib import Path
from typing import Any

from optimizer_app.engine.evaluation import ExampleData

INTENTS = (
    "card_arrival", "card_delivery_estimate", "lost_or_stolen_card", "card_not_working",
    "pending_card_payment", "declined_card_payment", "card_payment_not_recognised", "reverted_card_payment?",
)  # fmt: skip
SIZES = {"train": 64, "validation": 64, "test": 160}
SEED = 11


def banking77(path: Path) -> dict[str, list[ExampleData]]:
    """Three splits, drawn evenly over the intents. `path` is train.csv of banking77 (CC BY 4.0)."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["category"] in INTENTS]
    by_intent: dict[str, list[str]] = {}
    for row in rows:
        by_intent.setdefault(row["category"], []).append(row["text"].strip())
    drawn = random.Random(SEED)
    for texts in by_intent.values():
        drawn.shuffle(texts)
    splits: dict[str, list[ExampleData]] = {}
    start = 0
    for split, size in SIZES.items():
        each = size // len(INTENTS)
        splits[split] = [
            ExampleData(0, {"text": text}, {"label": label})
            for label, texts in sorted(by_intent.items())
            for text in texts[start : start + each]
        ]
        start += each
    number = 0
    for split, examples in splits.items():
        drawn.shuffle(examples)
        splits[split] = [ExampleData(number := number + 1, e.inputs, e.outputs) for e in examples]
    return splits


def one_step() -> dict[str, Any]:
    """Text to intent."""
    return {"steps": [_step("answer", "Predict", "Classify the customer's message.", "text", _label())]}


def two_steps() -> dict[str, Any]:
    """First the gist, then the intent."""
    gist = {"name": "gist"}
    return {
        "steps": [
            _step("condense", "Predict", "Say in one sentence what the customer wants.", "text", gist),
            _step("route", "ChainOfThought", "Classify the customer's message.", "gist", _label()),
        ]
    }


def _label() -> dict[str, Any]:
    return {"name": "label", "type": "enum", "options": list(INTENTS)}


def _step(name: str, module: str, instructions: str, reads: str, makes: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name, "module": module, "instructions": instructions, "inputs": [{"name": reads}], "outputs": [makes],
    }  # fmt: skip
