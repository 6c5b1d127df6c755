"""The lexical model behind DSPy's language model interface."""

import contextvars
import hashlib
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dspy
from dspy.lm15 import Message, Request, Response, TextPart, Usage, response_to_events

from optimizer_app.engine.offline import BUILT_IN
from optimizer_app.engine.offline.answer import answer
from optimizer_app.engine.offline.prompt import parse, render
from optimizer_app.engine.offline.proposals import is_request, propose
from optimizer_app.engine.offline.text import count_tokens, sentences
from optimizer_app.engine.offline.weights import load_weights

# A canonical DSPy request carries neither the rollout nor which of several completions it is; without them
# a deterministic model would give equal answers where variety was asked for. `LexicalLM` sets, the engine reads.
_rollout: contextvars.ContextVar[list[object]] = contextvars.ContextVar("lexical_rollout")


class LexicalEngine:
    """A pure function of prompt, model name, temperature, rollout and index of the completion."""

    supports_function_calling = False
    supports_reasoning = False
    supports_response_schema = False
    supported_params = ("temperature", "max_tokens", "n", "seed")

    def __init__(self, artifacts: Path | None = None) -> None:
        self._artifacts = artifacts

    def complete(self, request: Request) -> Response:
        system = system_text(request)
        messages = [(message.role, message.text or "") for message in request.messages]
        text = self.reply(system, messages, request.model, float(request.config.temperature or 0.0))
        prompt_tokens = count_tokens(system) + sum(count_tokens(content) for _, content in messages)
        return Response(
            id=None,
            model=request.model,
            message=Message.assistant([TextPart(text)]),
            finish_reason="stop",
            usage=Usage(input_tokens=prompt_tokens, output_tokens=count_tokens(text)),
        )

    def reply(self, system: str, messages: list[tuple[str, str]], model: str, temperature: float) -> str:
        """The answer to a system prompt and (role, text) messages."""
        task = parse(system, messages)
        if task.form == "plain":
            return sentences(task.text)[0] or "…"
        rng = _seeded(model, system, messages) if temperature > 0 else None
        if is_request(task):
            return render(task, propose(task, rng))
        weights = load_weights(self._artifacts, model) if self._artifacts else None
        return render(task, answer(task, rng, temperature, weights))

    def stream(self, request: Request) -> Iterator[Any]:
        return iter(response_to_events(self.complete(request)))

    def close(self) -> None:
        """Nothing to release."""

    def __deepcopy__(self, memo: object) -> "LexicalEngine":
        return self  # stateless: copies of a program share it


class LexicalLM(dspy.LM):
    """`dspy.LM` over the lexical engine. Never cached: answering again is cheaper than looking up."""

    def __init__(self, model: str = BUILT_IN, artifacts: Path | None = None, **settings: Any) -> None:
        settings = {"engine": LexicalEngine(artifacts), "cache": False, "num_retries": 0, **settings}
        super().__init__(model, **settings)

    def __call__(
        self, prompt: str | None = None, *, messages: list[dict[str, Any]] | None = None, **settings: Any
    ) -> Any:
        token = _rollout.set([settings.get("rollout_id", self.kwargs.get("rollout_id")), 0])
        try:
            return super().__call__(prompt, messages=messages, **settings)
        finally:
            _rollout.reset(token)

    def __deepcopy__(self, memo: object) -> "LexicalLM":
        copied: LexicalLM = self.copy()  # a copied program must not copy the engine or the history
        return copied


def system_text(request: Request) -> str:
    """The system prompt of a request as one text."""
    if isinstance(request.system, str):
        return request.system
    return "".join(getattr(part, "text", "") or "" for part in request.system or ())


def _seeded(model: str, system: str, messages: list[tuple[str, str]]) -> random.Random:
    rollout = _rollout.get(None) or [None, 0]
    seed = repr((model, rollout[0], rollout[1], system, messages)).encode()
    rollout[1] = int(str(rollout[1])) + 1
    digest = hashlib.blake2b(seed, digest_size=8).digest()
    return random.Random(int.from_bytes(digest, "big"))  # noqa: S311 - reproducible sampling, not security
