"""MIPROv2: proposes instructions from the data and searches them together with demos."""

import math
from typing import TYPE_CHECKING, Any, cast

from optimizer_app.engine.optimizers.base import CompileJob, Optimizer, Parameters, Sizes, Work, make
from optimizer_app.engine.optimizers.few_shot import THRESHOLD
from optimizer_app.engine.parameters import Parameter

if TYPE_CHECKING:
    from optimizer_app.engine.programs import ProgramModule

MANUAL = "manual"
# DSPy's own presets (`AUTO_RUN_SETTINGS` of its MIPROv2): candidates, and the most validation examples used.
CANDIDATES = {"light": 6, "medium": 12, "heavy": 18}
VALIDATION = {"light": 100, "medium": 300, "heavy": 1000}
MINIBATCH, MINIBATCH_FROM, FULL_EVERY = 35, 50, 5
BATCHES_SEEN, BATCH = 9, 10  # the proposer looks at most at so many further batches of training examples

PARAMETERS = (
    Parameter(
        "auto",
        "Effort",
        "choice",
        "light",
        "How many candidates are proposed and how long they are searched.",
        choices=(
            ("light", "Light: 6 candidates"),
            ("medium", "Medium: 12 candidates"),
            ("heavy", "Heavy: 18 candidates"),
            (MANUAL, "Manual: the two numbers below"),
        ),
    ),
    Parameter("num_candidates", "Candidates", "int", 6, "Instructions and demo sets per step. Manual only.", 2, 100),
    Parameter("num_trials", "Trials", "int", 12, "Combinations that are scored. Manual only.", 1, 500),
    Parameter(
        "max_bootstrapped_demos",
        "Bootstrapped demos",
        "int",
        4,
        "Worked examples that the program itself answered well, at most. 0 here and below searches instructions only.",
        0,
        64,
    ),
    Parameter(
        "max_labeled_demos",
        "Labeled demos",
        "int",
        4,
        "Labeled training examples in the prompt, at most. More demos make every call longer.",
        0,
        128,
    ),
    THRESHOLD,
)


def _compile(job: CompileJob) -> "ProgramModule":
    import dspy

    parameters = dict(job.parameters)
    candidates, trials = parameters.pop("num_candidates"), parameters.pop("num_trials")
    how: dict[str, Any] = {}
    if parameters["auto"] == MANUAL:
        parameters |= {"auto": None, "num_candidates": candidates}
        how = {"num_trials": trials, "minibatch": len(job.validation) > MINIBATCH_FROM}
    optimizer = make(
        dspy.MIPROv2,
        metric=job.metric,
        prompt_model=job.proposer,
        task_model=job.task,
        teacher_settings=job.teacher_settings,
        num_threads=job.threads,
        seed=job.seed + 1,  # DSPy turns seed 0 into 9 without a word; distinct seeds of ours must stay distinct
        **parameters,
    )
    compiled = optimizer.compile(job.module, trainset=job.train, valset=job.validation, **how)
    return cast("ProgramModule", compiled)


def _work(sizes: Sizes, parameters: Parameters) -> Work:
    manual = parameters["auto"] == MANUAL
    candidates = parameters["num_candidates"] if manual else CANDIDATES[parameters["auto"]]
    validation = sizes.validation if manual else min(sizes.validation, VALIDATION[parameters["auto"]])
    zero_shot = not parameters["max_bootstrapped_demos"] and not parameters["max_labeled_demos"]
    variables = sizes.predictors * (1 if zero_shot else 2)
    trials = int(max(2 * variables * math.log2(candidates), 1.5 * candidates))
    trials = parameters["num_trials"] if manual else trials
    if validation > MINIBATCH_FROM:
        full = trials // FULL_EVERY + (1 if trials % FULL_EVERY else 0)
        scored = validation + trials * MINIBATCH + full * validation
    else:
        scored = (1 + trials) * validation
    bootstraps = max(0, candidates - 2)
    instructions = candidates if zero_shot or manual else candidates // 2
    summary = 2 + min(BATCHES_SEEN, max(0, math.ceil(sizes.train / BATCH) - 1))
    proposals = summary + 3 * sizes.predictors * instructions
    most = bootstraps * sizes.train
    return Work(scored + bootstraps, scored + most, proposals=(summary, proposals), teaching=(bootstraps, most))


MIPRO_V2 = Optimizer(
    "MIPROv2",
    "Writes instructions from what it sees in the data and searches them together with demos.",
    PARAMETERS,
    minimum_train=10,
    work=_work,
    compile=_compile,
    changes=("demos", "instructions"),
    proposes=True,
    reflects=True,
)
