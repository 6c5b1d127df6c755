"""GEPA: evolves instructions by reflecting on answers and the metric's feedback."""

import math
from typing import TYPE_CHECKING, cast

from optimizer_app.engine.optimizers.base import CompileJob, Optimizer, Parameters, Sizes, Work
from optimizer_app.engine.parameters import Parameter

if TYPE_CHECKING:
    from optimizer_app.engine.programs import ProgramModule

# DSPy's presets (`AUTO_RUN_SETTINGS` of its GEPA): candidates that the budget is made for.
CANDIDATES = {"light": 6, "medium": 12, "heavy": 18}
MINIBATCH_TRIAL, BOOTSTRAP_TRIALS, FULL_EVERY = 35, 5, 5
REFLECTION_TEMPERATURE = 1.0

PARAMETERS = (
    Parameter(
        "auto",
        "Effort",
        "choice",
        "light",
        "How many metric calls the search may take.",
        choices=(("light", "Light"), ("medium", "Medium"), ("heavy", "Heavy")),
    ),
    Parameter(
        "reflection_minibatch_size",
        "Examples per reflection",
        "int",
        8,
        "How many answers and their feedback the model sees when it rewrites an instruction.",
        1,
        50,
    ),
    Parameter("use_merge", "Merge candidates", "bool", True, "Whether good candidates are also combined."),
)


def _compile(job: CompileJob) -> "ProgramModule":
    import dspy

    reflection = dspy.settings.lm.copy(temperature=REFLECTION_TEMPERATURE)
    optimizer = dspy.GEPA(
        metric=job.feedback_metric,
        reflection_lm=reflection,
        num_threads=job.threads,
        seed=job.seed,
        warn_on_score_mismatch=False,
        **job.parameters,
    )
    return cast("ProgramModule", optimizer.compile(job.module, trainset=job.train, valset=job.validation))


def _work(sizes: Sizes, parameters: Parameters) -> Work:
    """The budget that DSPy derives from the effort; it stops only between iterations, so it may go over."""
    candidates, validation = CANDIDATES[parameters["auto"]], sizes.validation
    trials = int(max(4 * sizes.predictors * math.log2(candidates), 1.5 * candidates))
    full = (trials + 1) // FULL_EVERY + 1 + (1 if trials < FULL_EVERY else 0)
    budget = validation + candidates * BOOTSTRAP_TRIALS + trials * MINIBATCH_TRIAL + full * validation
    return Work(budget, budget + 2 * parameters["reflection_minibatch_size"] + validation)


GEPA = Optimizer(
    "GEPA",
    "Rewrites the instruction by reflecting on wrong answers and what the metric says about them.",
    PARAMETERS,
    minimum_train=4,
    work=_work,
    compile=_compile,
)
