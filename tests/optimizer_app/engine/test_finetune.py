"""Fine-tuning that really trains: the lexical model, and a tiny language model of Hugging Face form."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from dspy.clients.provider import TrainingJob
from dspy.clients.utils_finetune import TrainDataFormat

from optimizer_app.engine.finetune.artifacts import LARGEST, TooLargeError, keep
from optimizer_app.engine.finetune.lexical import LexicalProvider
from optimizer_app.engine.gate import Gate, Stop
from optimizer_app.engine.lms import Connection
from optimizer_app.engine.serving import predict
from optimizer_app.engine.spec import TUNED
from tests.optimizer_app.engine.runs import execute, spec


def test_a_tuned_lexical_model_answers_without_demos_and_is_served(tmp_path: Path) -> None:
    made = spec(tmp_path, optimizer="BootstrapFinetune")
    outcome, _, _ = execute(made)

    assert outcome.finish == "improved", outcome.message
    assert outcome.winner is not None
    state = outcome.winner.state
    assert state["answer"]["demos"] == []
    artifact = state[TUNED]["artifact"]
    weights = json.loads((made.artifacts / artifact / "weights.json").read_text())
    assert weights["fields"]["team"]["classes"] == ["K1", "K2", "K3"]

    example = made.test[0]
    right = predict(made.program, state, made.connection, example.inputs, {}, made.artifacts)
    assert not right.error
    assert right.outputs["team"] in ("K1", "K2", "K3")
    scores = [
        predict(made.program, state, made.connection, e.inputs, {}, made.artifacts).outputs == e.outputs
        for e in made.test
    ]
    assert sum(scores) / len(scores) == pytest.approx(outcome.comparison.after if outcome.comparison else 0)


def test_a_lost_artifact_is_an_error_not_a_fallback(tmp_path: Path) -> None:
    made = spec(tmp_path, optimizer="BootstrapFinetune")
    outcome, _, _ = execute(made)
    assert outcome.winner is not None

    served = predict(made.program, outcome.winner.state, made.connection, made.test[0].inputs, {}, tmp_path / "no")

    assert served.error
    assert not served.outputs


def test_nothing_to_learn_is_said(tmp_path: Path) -> None:
    made = spec(tmp_path, optimizer="BootstrapFinetune", parameters={"teacher_demos": 0})
    one_class = [msgspec.structs.replace(e, outputs={"team": "K1"}) for e in made.train]
    outcome, _, _ = execute(msgspec.structs.replace(made, train=one_class))

    assert outcome.finish == "error"
    assert "team has one value only" in outcome.message


def test_stopping_reaches_the_training(tmp_path: Path) -> None:
    gate = Gate()
    gate.shut(Stop("stopped", "Stopped by test."))
    row = {"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "[[ ## team ## ]]\nK1"}]}

    # an ordinary error: any other would hang DSPy's training job for ever
    with pytest.raises(RuntimeError, match="Stopped by test"):
        LexicalProvider(gate, tmp_path).finetune(TrainingJob(), "offline/lexical-1", [row], TrainDataFormat.CHAT)


def test_artifacts_are_named_by_their_content_and_bounded(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "w.json").write_text("{}")
    assert keep(tmp_path / "a", tmp_path) == keep(tmp_path / "b", tmp_path)

    big = tmp_path / "big"
    big.mkdir()
    with (big / "model.safetensors").open("wb") as stream:
        stream.truncate(LARGEST + 1)
    with pytest.raises(TooLargeError, match=r"105 MB; a version holds at most 105 MB.*LoRA"):
        keep(big, tmp_path)


@pytest.fixture
def tiny_model(tmp_path: Path) -> Path:
    """A randomly initialised causal language model of about 100,000 weights, with its own byte tokenizer."""
    pytest.importorskip("torch", reason="the extra local-models is not installed")
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    torch.manual_seed(0)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: number for number, token in enumerate([*alphabet, "<end>"])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    folder = tmp_path / "models" / "tiny"
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token="<end>").save_pretrained(folder)
    config = LlamaConfig(
        vocab_size=len(vocabulary), hidden_size=48, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
        max_position_embeddings=2048, bos_token_id=None, eos_token_id=vocabulary["<end>"],
    )  # fmt: skip
    LlamaForCausalLM(config).save_pretrained(folder, safe_serialization=True)
    return folder


@pytest.mark.parametrize("lora_rank", [0, 4])
def test_a_local_language_model_is_trained_and_used(lora_rank: int, tiny_model: Path, tmp_path: Path) -> None:
    from optimizer_app.engine.finetune.training import train

    conversation = [("system", "Say the colour."), ("user", "the sky"), ("assistant", "[[ ## team ## ]]\nK1")]
    rate = 1e-1 if lora_rank else 3e-3
    losses = []
    target = tmp_path / "trained"
    for _, loss in train(
        tiny_model, target, [conversation] * 8, epochs=12, learning_rate=rate, lora_rank=lora_rank, seed=1
    ):
        losses.append(loss)

    # an adapter cannot reach the random output layer, so it gets less far
    assert losses[-1] < (0.95 if lora_rank else 0.8) * losses[0]
    assert (target / ("adapter_config.json" if lora_rank else "model.safetensors")).exists()
    again = [
        loss
        for _, loss in train(
            tiny_model, tmp_path / "2", [conversation] * 8, epochs=12, learning_rate=rate, lora_rank=lora_rank, seed=1
        )
    ]
    assert again == pytest.approx(losses, rel=1e-3)


def test_a_run_fine_tunes_a_local_model_and_the_version_answers_with_it(tiny_model: Path, tmp_path: Path) -> None:
    local = Connection("Tiny", "local/tiny", price_in=0, price_out=0, max_tokens=80, directory=str(tiny_model.parent))
    teacher = Connection("Built-in", "offline/lexical-1", price_in=0, price_out=0)
    parameters: dict[str, Any] = {"epochs": 60, "learning_rate": 5e-3, "teacher_demos": 40}
    models = {"connection": local, "teacher": teacher}
    made = spec(tmp_path / "run", optimizer="BootstrapFinetune", parameters=parameters, **models)
    only = [e for e in made.train if e.outputs["team"] == "K2"][:4]
    short = [msgspec.structs.replace(e, inputs={"message": f"m{e.id}"}) for e in only]
    made = msgspec.structs.replace(made, train=short * 3, validation=made.validation[:2], test=short)

    outcome, listener, _ = execute(made)

    losses = [float(line.rpartition("loss ")[2]) for line in listener.lines if line.startswith("Fine-tuning step")]
    assert outcome.winner is not None, outcome.message
    assert losses[-1] < 0.5 * losses[0]
    tuned = outcome.winner.state[TUNED]
    assert tuned["model"].startswith("local/ft-")
    before = predict(made.program, made.baseline, local, made.test[0].inputs, {}, made.artifacts)
    after = predict(made.program, outcome.winner.state, local, made.test[0].inputs, {}, made.artifacts)
    assert before.error  # random weights cannot keep to the format
    assert after.outputs == {"team": "K2"}, after.error


def test_local_models_stay_inside_their_folder(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "secret").mkdir()
    for name in ("../secret", "missing", ""):
        connection = Connection("L", f"local/{name}", directory=str(tmp_path / "models"))
        served = predict(spec(tmp_path).program, spec(tmp_path).baseline, connection, {"message": "x"}, {}, tmp_path)
        assert "There is no local model" in served.error or name == ""
