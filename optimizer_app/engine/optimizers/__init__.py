"""The optimizers on offer. To add one, describe it in a module here and list it (docs/howto/add-an-optimizer.md)."""

from optimizer_app.engine.optimizers.assembled import ENSEMBLE, KNN_FEW_SHOT
from optimizer_app.engine.optimizers.base import Optimizer
from optimizer_app.engine.optimizers.custom import custom_optimizers
from optimizer_app.engine.optimizers.few_shot import BOOTSTRAP_FEW_SHOT, LABELED_FEW_SHOT, RANDOM_SEARCH
from optimizer_app.engine.optimizers.gepa import gepa
from optimizer_app.engine.optimizers.instructions import COPRO, INFER_RULES, SIMBA
from optimizer_app.engine.optimizers.mipro import MIPRO_V2
from optimizer_app.engine.optimizers.weights import BETTER_TOGETHER, BOOTSTRAP_FINETUNE


def optimizers() -> dict[str, Optimizer]:
    """Every optimizer by name; those registered from code come last."""
    known = (
        LABELED_FEW_SHOT, BOOTSTRAP_FEW_SHOT, RANDOM_SEARCH, KNN_FEW_SHOT, ENSEMBLE, MIPRO_V2, gepa(), SIMBA,
        INFER_RULES, COPRO, BOOTSTRAP_FINETUNE, BETTER_TOGETHER, *custom_optimizers(),
    )  # fmt: skip
    return {optimizer.name: optimizer for optimizer in known}
