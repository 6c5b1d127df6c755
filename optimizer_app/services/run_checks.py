"""What must hold before a run is queued."""

from optimizer_app.common.problems import Refused
from optimizer_app.engine.gate import Budget
from optimizer_app.engine.model_names import can_finetune
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.engine.optimizers.base import Optimizer
from optimizer_app.engine.parameters import parse_all
from optimizer_app.models import DatasetVersion, LanguageModel, Split, Worker
from optimizer_app.models.datasets import shape_of

MAX_SEED = 2**31 - 2


def check_run(
    worker: Worker,
    dataset_version: DatasetVersion,
    model: LanguageModel,
    optimizer: str,
    parameters: dict[str, object],
    seed: int,
    budget: Budget,
    proposer: LanguageModel | None,
    teacher: LanguageModel | None,
) -> dict[str, object]:
    """The parsed parameters. Raises Refused with everything that is wrong."""
    fields: dict[str, list[str]] = {}
    parsed: dict[str, object] = {}
    program = worker.spec()
    if optimizer not in optimizers():
        raise Refused(fields={"optimizer": [f"There is no optimizer called “{optimizer}”."]})
    chosen = optimizers()[optimizer]
    try:
        parsed = parse_all(chosen.parameters, parameters)
    except ValueError as error:
        fields["parameters"] = [str(error)]
    if dataset_version.dataset.shape != shape_of(program.inputs, program.outputs):
        fields["dataset_version"] = [f"{dataset_version.dataset.name} has other fields than {worker.name}."]
    if problems := _optimizer_problems(chosen, dataset_version, model):
        fields["optimizer"] = problems
    if proposer and not chosen.proposes:
        fields["proposer"] = [f"{chosen.name} asks no proposer; leave it as the same."]
    if teacher and not chosen.reflects:
        fields["teacher"] = [f"{chosen.name} asks no teacher; leave it as the same."]
    if not 0 <= seed <= MAX_SEED:
        fields["seed"] = [f"The seed lies between 0 and {MAX_SEED:,}."]
    fields |= _budget_problems(budget, model, dataset_version)
    if fields:
        raise Refused(fields=fields)
    return parsed


def _optimizer_problems(chosen: Optimizer, version: DatasetVersion, model: LanguageModel) -> list[str]:
    train, least = version.counts[Split.TRAIN], chosen.minimum_train
    problems = []
    if train < least:
        problems.append(f"{chosen.name} needs at least {least} training examples; this version has {train}.")
    if chosen.finetunes and not can_finetune(model.model):
        problems.append(
            f"{model.name} cannot be fine-tuned: {chosen.name} works with the built-in model, local models and "
            "OpenAI's."
        )
    return problems


def _budget_problems(budget: Budget, model: LanguageModel, version: DatasetVersion) -> dict[str, list[str]]:
    problems: dict[str, list[str]] = {}
    baseline = version.counts[Split.VALIDATION] + version.counts[Split.TEST]
    if budget.calls is not None and budget.calls <= baseline:
        problems["max_calls"] = [f"Scoring the baseline alone takes {baseline:,} calls; give more."]
    if budget.tokens is not None and budget.tokens <= 0:
        problems["max_tokens"] = ["A budget lies above 0 tokens."]
    if budget.usd is not None and model.price_in is None:
        problems["max_usd"] = ["The language model is unpriced, so money cannot be limited. Give it prices first."]
    elif budget.usd is not None and budget.usd <= 0:
        problems["max_usd"] = ["A budget lies above $0."]
    if budget.minutes is not None and budget.minutes <= 0:
        problems["max_minutes"] = ["A budget lies above 0 minutes."]
    return problems
