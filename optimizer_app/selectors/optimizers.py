"""What optimizers there are."""

from optimizer_app.engine.optimizers import optimizers


def optimizer_names() -> list[str]:
    """Their names, in the order of the registry."""
    return list(optimizers())
