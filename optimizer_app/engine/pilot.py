"""Measure what one program call takes, on a few examples, before a run is launched."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import dspy

from optimizer_app.engine.evaluation import ExampleData
from optimizer_app.engine.gate import Gate, RunStopped
from optimizer_app.engine.lms import Connection, open_lm
from optimizer_app.engine.offline.text import count_tokens
from optimizer_app.engine.programs import State, build
from optimizer_app.engine.quoting import PerCall
from optimizer_app.engine.retrieval import Passages
from optimizer_app.engine.runner import explained
from optimizer_app.engine.spec import Program
from optimizer_app.engine.usage import Ledger


class PilotFailedError(Exception):
    """The language model did not answer; the message says why."""


def measure(
    program: Program,
    state: State,
    connection: Connection,
    examples: Sequence[ExampleData],
    passages: Mapping[str, Passages],
    artifacts: Path,
) -> PerCall:
    """Call the program once per example, without any cache. Raises PilotFailedError."""
    gate, ledger = Gate(), Ledger()
    module = build(program, state, passages)
    started = time.perf_counter()
    try:
        lm = open_lm(connection, gate, ledger, cache=False, artifacts=artifacts)
        with dspy.context(lm=lm, callbacks=[], trace=None):
            for example in examples:
                module(**example.inputs)
    except RunStopped as stopped:
        raise PilotFailedError(stopped.stop.message) from None
    except Exception as error:
        raise PilotFailedError(explained(error, connection)) from error
    n, used = len(examples), ledger.total
    return PerCall(
        lm_calls=used.calls / n,
        tokens_in=used.tokens_in / n,
        tokens_out=used.tokens_out / n,
        seconds=(time.perf_counter() - started) / n,
        example_tokens=example_tokens(examples),
        n=n,
        basis=f"measured on {n} training examples",
    )


def example_tokens(examples: Sequence[ExampleData]) -> float:
    """Tokens that one example adds to a prompt as a demo, by our own estimate."""
    texts = [json.dumps({**e.inputs, **e.outputs}, ensure_ascii=False) for e in examples]
    return sum(count_tokens(text) for text in texts) / len(texts) if texts else 0.0
