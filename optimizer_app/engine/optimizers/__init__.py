"""The optimizers on offer. To add one, describe it in a module here and list it (docs/howto/add-an-optimizer.md)."""

from optimizer_app.engine.optimizers.base import Optimizer
from optimizer_app.engine.optimizers.few_shot import BOOTSTRAP_FEW_SHOT, LABELED_FEW_SHOT, RANDOM_SEARCH
from optimizer_app.engine.optimizers.gepa import GEPA
from optimizer_app.engine.optimizers.mipro import MIPRO_V2

OPTIMIZERS: dict[str, Optimizer] = {
    optimizer.name: optimizer for optimizer in (LABELED_FEW_SHOT, BOOTSTRAP_FEW_SHOT, RANDOM_SEARCH, MIPRO_V2, GEPA)
}
