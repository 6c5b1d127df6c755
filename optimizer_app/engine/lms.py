"""Language models of a run: every call passes the gate, is retried within bounds, and lands in the ledger."""

from pathlib import Path
from typing import Any, Literal

import dspy
import msgspec

from optimizer_app.engine.errors import explain, is_fatal
from optimizer_app.engine.finetune import is_local
from optimizer_app.engine.finetune.lexical import LexicalProvider
from optimizer_app.engine.finetune.local import open_local
from optimizer_app.engine.gate import Gate, Stop
from optimizer_app.engine.offline import is_built_in
from optimizer_app.engine.offline.lm import LexicalLM
from optimizer_app.engine.usage import Ledger, Usage

LONGEST_WAIT_S = 20.0  # a provider's Retry-After is obeyed up to here
FAILURES_IN_A_ROW = 5  # so many calls failing one after another, retries included, end the run
MILLION = 1_000_000
Role = Literal["task", "proposer", "teacher", "judge"]


class Connection(msgspec.Struct, frozen=True):
    """How to reach a language model. Prices are USD per million tokens; None means unpriced."""

    name: str
    model: str
    api_base: str = ""
    api_key: str = ""
    temperature: float | None = None
    max_tokens: int | None = None
    timeout_s: float = 60.0
    retries: int = 2
    price_in: float | None = None
    price_out: float | None = None
    directory: str = ""  # where local models lie


class Metered:
    """Goes before `dspy.LM`. Copies made by optimizers share connection, gate and ledger."""

    connection: Connection
    gate: Gate
    ledger: Ledger
    role: Role

    def __call__(
        self, prompt: str | None = None, *, messages: list[dict[str, Any]] | None = None, **settings: Any
    ) -> Any:
        for attempt in range(self.connection.retries + 1):
            try:
                reply = self._attempt(prompt, messages, settings)
            except dspy.LMError as error:
                self._failed(error)
                if attempt == self.connection.retries or not dspy.is_retryable_lm_error(error):
                    raise
                wait = error.retry_after if error.retry_after is not None else 2.0**attempt
                self.gate.sleep(min(wait, LONGEST_WAIT_S))
            else:
                self.gate.record(failed=False)
                return reply
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _attempt(self, prompt: str | None, messages: list[dict[str, Any]] | None, settings: dict[str, Any]) -> Any:
        self.gate.begin(self.ledger)
        try:
            return super().__call__(prompt, messages=messages, **settings)  # type: ignore[misc]
        finally:
            self.gate.end()

    def _failed(self, error: dspy.LMError) -> None:
        self.ledger.add(Usage(failed_calls=1, cost_usd=self._cost(0, 0)), self.role)
        if is_fatal(error):
            self.gate.shut(Stop("error", explain(error, self.connection.name)))
        elif self.gate.record(failed=True) >= FAILURES_IN_A_ROW:
            self.gate.shut(
                Stop(
                    "error", f"{FAILURES_IN_A_ROW} calls in a row failed. Last: {explain(error, self.connection.name)}"
                )
            )
        self.gate.check()

    def update_history(self, entry: dict[str, Any]) -> None:
        """Called by DSPy once per finished call; the history itself is not kept (10,000 prompts in memory)."""
        usage = entry["usage"] or {}
        if not usage:  # DSPy's cache answered; it repeats the original price
            self.gate.refund()
            saved = entry["cost"] or 0.0
            self.ledger.add(Usage(calls=1, cached_calls=1, cost_usd=self._cost(0, 0), saved_usd=saved), self.role)
            return
        tokens_in, tokens_out = usage.get("prompt_tokens") or 0, usage.get("completion_tokens") or 0
        cost = self._cost(tokens_in, tokens_out)
        self.ledger.add(Usage(calls=1, tokens_in=tokens_in, tokens_out=tokens_out, cost_usd=cost), self.role)

    def _cost(self, tokens_in: int, tokens_out: int) -> float | None:
        price_in, price_out = self.connection.price_in, self.connection.price_out
        if price_in is None or price_out is None:
            return None
        return (tokens_in * price_in + tokens_out * price_out) / MILLION


class MeteredLM(Metered, dspy.LM):
    """A model behind an API."""


class MeteredLexicalLM(Metered, LexicalLM):
    """The built-in lexical model."""


def open_lm(
    connection: Connection,
    gate: Gate,
    ledger: Ledger,
    *,
    cache: bool,
    role: Role = "task",
    artifacts: Path | None = None,
) -> dspy.LM:
    """A language model for one run or one request. `cache` answers repeated calls from DSPy's cache.

    `artifacts` is where fine-tuned models are read from and written to.
    """
    sampling = {"temperature": connection.temperature, "max_tokens": connection.max_tokens}
    settings: dict[str, Any] = {key: value for key, value in sampling.items() if value is not None}
    lm: Any
    if is_built_in(connection.model):
        provider = LexicalProvider(gate, artifacts) if artifacts else None
        lm = MeteredLexicalLM(connection.model, artifacts=artifacts, provider=provider, **settings)
    elif is_local(connection.model):
        lm = open_local(MeteredLM, connection, gate, artifacts, settings | {"cache": cache})
    else:
        # The default read timeout of DSPy's client is 600 s, and its own retries cannot be interrupted.
        settings |= {"timeout": connection.timeout_s, "num_retries": 0, "cache": cache}
        if connection.api_base:
            settings["api_base"] = connection.api_base
        if connection.api_key:
            settings["api_key"] = connection.api_key
        lm = MeteredLM(connection.model, **settings)
    lm.connection, lm.gate, lm.ledger, lm.role = connection, gate, ledger, role
    ledger.add(Usage(cost_usd=lm._cost(0, 0)), role)  # unpriced from the start, not $0.00 until the first call
    return lm


def tuned_connection(connection: Connection, tuned: dict[str, str]) -> Connection:
    """The connection to a fine-tuned model. A provider asks another price for it than for its base: unpriced."""
    if not tuned:
        return connection
    own = bool(tuned["artifact"])
    price_in, price_out = (connection.price_in, connection.price_out) if own else (None, None)
    return msgspec.structs.replace(connection, model=tuned["model"], price_in=price_in, price_out=price_out)
