"""Answer one request with a program version, outside any run."""

import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dspy
import msgspec

from optimizer_app.engine.errors import explain
from optimizer_app.engine.gate import Gate, RunStopped
from optimizer_app.engine.lms import Connection, open_lm, tuned_connection
from optimizer_app.engine.programs import State, build, outputs_of
from optimizer_app.engine.retrieval import Passages
from optimizer_app.engine.spec import TUNED, Program
from optimizer_app.engine.usage import Ledger


class Served(msgspec.Struct, frozen=True):
    """One answer. `error` is empty when it succeeded; `cost_usd` is None when unpriced."""

    outputs: dict[str, Any]
    error: str
    latency_ms: float
    tokens_in: int
    tokens_out: int
    cost_usd: float | None


def predict(
    program: Program,
    state: State,
    connection: Connection,
    inputs: dict[str, Any],
    passages: Mapping[str, Passages],
    artifacts: Path,
) -> Served:
    """Run the program once. Errors of the language model come back in `error`, in words."""
    connection = tuned_connection(connection, state.get(TUNED, {}))
    gate, ledger = Gate(), Ledger()
    outputs: dict[str, Any] = {}
    error = ""
    started = time.perf_counter()
    try:
        lm = open_lm(connection, gate, ledger, cache=False, artifacts=artifacts)
        with dspy.context(lm=lm, callbacks=[], trace=None):
            outputs = outputs_of(program, build(program, state, passages)(**inputs))
    except RunStopped as stopped:
        error = stopped.stop.message
    except Exception as exception:
        error = explain(exception, connection.name)
    latency_ms = (time.perf_counter() - started) * 1000
    total = ledger.total
    return Served(outputs, error, latency_ms, total.tokens_in, total.tokens_out, total.cost_usd)


def check_connection(connection: Connection) -> Served:
    """One short call that shows whether address, key and model work."""
    probe = msgspec.structs.replace(connection, retries=0, max_tokens=connection.max_tokens or 32)
    gate, ledger = Gate(), Ledger()
    text, error = "", ""
    started = time.perf_counter()
    try:
        reply = open_lm(probe, gate, ledger, cache=False)("Reply with the word: ready.")
        text = str(reply[0])
    except RunStopped as stopped:
        error = stopped.stop.message
    except Exception as exception:
        error = explain(exception, connection.name)
    latency_ms = (time.perf_counter() - started) * 1000
    total = ledger.total
    return Served({"reply": text}, error, latency_ms, total.tokens_in, total.tokens_out, total.cost_usd)
