"""Causal language models of Hugging Face form, run and fine-tuned on this machine (the extra `local-models`).

Only directories below the setting LOCAL_MODELS and artifacts of our own are opened, as safetensors, without their code.
"""

import logging
import tempfile
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import dspy
from dspy.clients.provider import Provider, TrainingJob
from dspy.clients.utils_finetune import TrainDataFormat
from dspy.lm15 import Message, Request, Response, TextPart, Usage, response_to_events
from dspy.utils.exceptions import LMConfigurationError

from optimizer_app.engine.finetune import LOCAL
from optimizer_app.engine.finetune.artifacts import keep
from optimizer_app.engine.gate import Gate
from optimizer_app.engine.offline.lm import system_text
from optimizer_app.engine.offline.weights import TUNED

DEFAULT_NEW_TOKENS = 256
ADAPTER = "adapter_config.json"
log = logging.getLogger("dspy")  # whose lines a run keeps
_generating = threading.Lock()  # one model, one processor: threads would only wait for each other


class LocalEngine:
    """Greedy generation, so the same prompt gives the same answer."""

    supports_function_calling = False
    supports_reasoning = False
    supports_response_schema = False
    supported_params = ("max_tokens", "n", "seed", "temperature")

    def __init__(self, directory: str, artifacts: Path | None) -> None:
        self._directory = directory
        self._artifacts = artifacts

    def complete(self, request: Request) -> Response:
        model, tokenizer = _load(folder_of(request.model, self._directory, self._artifacts))
        messages = [
            ("system", system_text(request)),
            *((message.role, message.text or "") for message in request.messages),
        ]
        prompt = as_prompt(messages)
        with _generating:
            ids = tokenizer(prompt, return_tensors="pt", truncation=True, max_length=_context(model))
            produced = model.generate(
                **ids,
                max_new_tokens=request.config.max_tokens or DEFAULT_NEW_TOKENS,
                do_sample=False,
                pad_token_id=tokenizer.pad_token_id,
            )
        new = produced[0][ids["input_ids"].shape[1] :]
        text = tokenizer.decode(new, skip_special_tokens=True).strip()  # it begins with the space after “assistant:”
        return Response(
            id=None,
            model=request.model,
            message=Message.assistant([TextPart(text)]),
            finish_reason="stop",
            usage=Usage(input_tokens=int(ids["input_ids"].shape[1]), output_tokens=len(new)),
        )

    def stream(self, request: Request) -> Iterator[Any]:
        return iter(response_to_events(self.complete(request)))

    def close(self) -> None:
        """The loaded models are shared and stay."""

    def __deepcopy__(self, memo: object) -> "LocalEngine":
        return self


class LocalProvider(Provider):
    """DSPy's provider of local models. Raises only ordinary errors: others would hang DSPy's job for ever."""

    def __init__(self, directory: str, gate: Gate, artifacts: Path) -> None:
        super().__init__()
        self.finetunable = True
        self.TrainingJob = TrainingJob
        self._directory = directory
        self._gate = gate
        self._artifacts = artifacts

    def __deepcopy__(self, memo: object) -> "LocalProvider":
        return self

    def finetune(
        self,
        job: TrainingJob,
        model: str,
        train_data: list[dict[str, Any]],
        train_data_format: TrainDataFormat,
        train_kwargs: dict[str, Any] | None = None,
    ) -> str:
        """The name of the tuned model; `train_kwargs`: epochs, learning_rate, lora_rank (0 trains all weights)."""
        from optimizer_app.engine.finetune.training import train  # needs the extra

        settings = {"epochs": 3, "learning_rate": 5e-4, "lora_rank": 0, "seed": 0, **(train_kwargs or {})}
        folder = Path(tempfile.mkdtemp(dir=self._artifacts))
        source = folder_of(model, self._directory, self._artifacts)
        conversations = [[(m["role"], m["content"]) for m in item["messages"]] for item in train_data]
        for step, loss in train(source, folder, conversations, **settings):
            log.info("Fine-tuning step %d: loss %.3f", step, loss)
            if stop := self._gate.stopped:
                raise RuntimeError(stop.message)
        return f"{LOCAL.rstrip('/')}{TUNED}{keep(folder, self._artifacts)}"


def open_local(lm_class: Any, connection: Any, gate: Gate, artifacts: Path | None, settings: dict[str, Any]) -> dspy.LM:
    """A language model over a local directory. Raises LMConfigurationError when the extra or the folder is missing."""
    folder_of(connection.model, connection.directory, artifacts)
    _check_libraries()
    engine = LocalEngine(connection.directory, artifacts)
    provider = LocalProvider(connection.directory, gate, artifacts) if artifacts else None
    return lm_class(connection.model, engine=engine, num_retries=0, provider=provider, **settings)


def folder_of(model: str, directory: str, artifacts: Path | None) -> Path:
    """Where a local model lies; never outside `directory` and the artifacts."""
    name = model.removeprefix(LOCAL)
    tuned = name.removeprefix(TUNED.lstrip("/"))
    root = artifacts if tuned != name else Path(directory) if directory else None
    folder = (root / tuned).resolve() if root else None
    if folder is None or root is None or not folder.is_relative_to(root.resolve()) or not folder.is_dir():
        raise LMConfigurationError(
            message=f"There is no local model “{name}”. Put its directory into the folder of the setting LOCAL_MODELS."
        )
    return folder


def as_prompt(messages: list[tuple[str, str]]) -> str:
    """Messages as plain text, the same for training and answering: small models have no chat template."""
    return "\n\n".join(f"{role}: {content}" for role, content in messages if content) + "\n\nassistant:"


def _check_libraries() -> None:
    try:
        import torch  # noqa: F401
        import transformers  # noqa: F401
    except ImportError:
        raise LMConfigurationError(
            message="Local models need the extra “local-models”: uv sync --extra local-models"
        ) from None


@lru_cache(maxsize=2)
def _load(folder: Path) -> Any:
    from transformers import AutoModelForCausalLM, AutoTokenizer

    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(folder, **options)
    tokenizer.truncation_side = "left"  # a prompt that is too long loses its beginning, as in training
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if (folder / ADAPTER).exists():
        from peft import AutoPeftModelForCausalLM

        model = AutoPeftModelForCausalLM.from_pretrained(folder, use_safetensors=True, **options)
    else:
        model = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, **options)
    return model.eval(), tokenizer


def _context(model: Any) -> int:
    """Most tokens of a prompt, leaving room for the answer."""
    whole = getattr(model.config, "max_position_embeddings", None) or 2048
    return max(1, int(whole) - DEFAULT_NEW_TOKENS)
