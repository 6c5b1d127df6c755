"""GEPA: evolves instructions by reflecting on answers and the metric's feedback."""

import math
from typing import TYPE_CHECKING, Any, cast

from optimizer_app.engine.optimizers.base import CompileJob, Optimizer, Parameters, Sizes, Work, make
from optimizer_app.engine.parameters import Parameter
from optimizer_app.sdk.registry import REGISTRY

if TYPE_CHECKING:
    from optimizer_app.engine.programs import ProgramModule

MANUAL, OWN = "manual", "own"
# DSPy's presets (`AUTO_RUN_SETTINGS` of its GEPA): candidates that the budget is made for.
CANDIDATES = {"light": 6, "medium": 12, "heavy": 18}
MINIBATCH_TRIAL, BOOTSTRAP_TRIALS, FULL_EVERY = 35, 5, 5
REFLECTION_TEMPERATURE = 1.0


def _parameters() -> tuple[Parameter, ...]:
    proposers = ((OWN, "GEPA's own"), *((name, f"{name} (code)") for name in REGISTRY.proposers))
    return (
        Parameter(
            "auto", "Effort", "choice", "light", "How many metric calls the search may take.",
            choices=(
                ("light", "Light"), ("medium", "Medium"), ("heavy", "Heavy"), (MANUAL, "Manual: the number below"),
            ),
        ),
        Parameter(
            "max_metric_calls", "Metric calls", "int", 500, "What the search may take. Manual only.", 10, 100_000
        ),
        Parameter(
            "reflection_minibatch_size", "Examples per reflection", "int", 8,
            "How many answers and their feedback the model sees when it rewrites an instruction.", 1, 50,
        ),
        Parameter(
            "candidate_selection_strategy", "Parent", "choice", "pareto", "Which candidate is changed next.",
            choices=(("pareto", "From the Pareto front"), ("current_best", "The best so far")),
        ),
        Parameter(
            "component_selector", "Steps per change", "choice", "round_robin", "Which steps a change rewrites.",
            choices=(("round_robin", "One after another"), ("all", "All at once")),
        ),
        Parameter("use_merge", "Merge candidates", "bool", True, "Whether good candidates are also combined."),
        Parameter(
            "instruction_proposer", "Instruction proposer", "choice", OWN, "Who writes the new instructions.",
            choices=proposers,
        ),
    )  # fmt: skip


def _compile(job: CompileJob) -> "ProgramModule":
    import dspy

    parameters: dict[str, Any] = dict(job.parameters)
    calls = parameters.pop("max_metric_calls")
    if parameters["auto"] == MANUAL:
        parameters |= {"auto": None, "max_metric_calls": calls}
    proposer = parameters.pop("instruction_proposer")
    optimizer = make(
        dspy.GEPA,
        metric=job.feedback_metric,
        reflection_lm=job.teacher.copy(temperature=REFLECTION_TEMPERATURE),
        instruction_proposer=None if proposer == OWN else REGISTRY.proposers[proposer](),
        num_threads=job.threads,
        seed=job.seed,
        warn_on_score_mismatch=False,
        gepa_kwargs={"callbacks": job.watchers},
        **parameters,
    )
    return cast("ProgramModule", optimizer.compile(job.module, trainset=job.train, valset=job.validation))


def _work(sizes: Sizes, parameters: Parameters) -> Work:
    """The budget that DSPy derives from the effort; it stops only between iterations, so it may go over."""
    validation, minibatch = sizes.validation, parameters["reflection_minibatch_size"]
    if parameters["auto"] == MANUAL:
        budget = parameters["max_metric_calls"]
    else:
        candidates = CANDIDATES[parameters["auto"]]
        trials = int(max(4 * sizes.predictors * math.log2(candidates), 1.5 * candidates))
        full = (trials + 1) // FULL_EVERY + 1 + (1 if trials < FULL_EVERY else 0)
        budget = validation + candidates * BOOTSTRAP_TRIALS + trials * MINIBATCH_TRIAL + full * validation
    changed = sizes.predictors if parameters["component_selector"] == "all" else 1
    most = max(1, (budget - validation) // (2 * minibatch)) * changed
    return Work(budget, budget + 2 * minibatch + validation, reflections=(1, most))


def gepa() -> Optimizer:
    """GEPA, with the proposers that code has registered by now."""
    return Optimizer(
        "GEPA",
        "Rewrites the instruction by reflecting on wrong answers and what the metric says about them.",
        _parameters(),
        minimum_train=4,
        work=_work,
        compile=_compile,
        changes=("instructions",),
        reflects=True,
    )
