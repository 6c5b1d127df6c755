"""Train a causal language model on conversations: the loss counts only what the assistant says."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from optimizer_app.engine.finetune.local import as_prompt

BATCH = 4
IGNORED = -100  # the label that the loss leaves out
Conversation = list[tuple[str, str]]


def train(
    source: Path,
    target: Path,
    conversations: list[Conversation],
    *,
    epochs: int,
    learning_rate: float,
    lora_rank: int,
    seed: int,
) -> Iterator[tuple[int, float]]:
    """Train and save to `target`, yielding (step, loss) after every step. The same `seed` repeats it up to rounding."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.manual_seed(seed)
    torch.use_deterministic_algorithms(True, warn_only=True)
    options: dict[str, Any] = {"local_files_only": True, "trust_remote_code": False}
    tokenizer = AutoTokenizer.from_pretrained(source, **options)
    model: Any = AutoModelForCausalLM.from_pretrained(source, use_safetensors=True, **options)
    if lora_rank:
        from peft import LoraConfig, get_peft_model

        config = LoraConfig(r=lora_rank, lora_alpha=2 * lora_rank, target_modules="all-linear", task_type="CAUSAL_LM")
        model = get_peft_model(model, config)
    longest = getattr(model.config, "max_position_embeddings", None) or 2048
    rows = [_encoded(tokenizer, conversation, longest) for conversation in conversations]
    optimizer = torch.optim.AdamW((p for p in model.parameters() if p.requires_grad), lr=learning_rate)
    model.train()
    step = 0
    for _ in range(epochs):
        for start in range(0, len(rows), BATCH):
            loss = _loss(model, rows[start : start + BATCH])
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            step += 1
            yield step, float(loss.detach())
    model.save_pretrained(target, safe_serialization=True)
    tokenizer.save_pretrained(target)


def _encoded(tokenizer: Any, conversation: Conversation, longest: int) -> tuple[list[int], list[int]]:
    """(tokens, labels); a prompt that is too long loses its beginning, never the answer."""
    prompt = tokenizer(as_prompt(conversation[:-1]))["input_ids"]
    answer = tokenizer(" " + conversation[-1][1])["input_ids"]
    end = [tokenizer.eos_token_id] if tokenizer.eos_token_id is not None else []
    answer = (answer + end)[: longest - 1]
    prompt = prompt[-(longest - len(answer)) :]
    return prompt + answer, [IGNORED] * len(prompt) + answer


def _loss(model: Any, rows: list[tuple[list[int], list[int]]]) -> Any:
    import torch

    width = max(len(tokens) for tokens, _ in rows)
    tokens = torch.tensor([row + [0] * (width - len(row)) for row, _ in rows])
    labels = torch.tensor([row + [IGNORED] * (width - len(row)) for _, row in rows])
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row, _ in rows])
    return model(input_ids=tokens, attention_mask=mask, labels=labels).loss
