"""What the name of a model tells. Read by the web process, so it never imports DSPy."""

from optimizer_app.engine.finetune import is_local
from optimizer_app.engine.offline import is_built_in


def can_finetune(model: str) -> bool:
    """Whether the model of this name can be fine-tuned: the built-in one, a local one, or one of OpenAI's."""
    return is_built_in(model) or is_local(model) or model.startswith("openai/gpt")
