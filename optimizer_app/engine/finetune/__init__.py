"""Fine-tuning that runs here: the built-in lexical model, and causal language models of Hugging Face form."""

LOCAL = "local/"


def is_local(model: str) -> bool:
    """Whether a model string names a directory of the setting LOCAL_MODELS."""
    return model.startswith(LOCAL)
