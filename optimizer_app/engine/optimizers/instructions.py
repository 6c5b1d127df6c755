"""COPRO, SIMBA and InferRules: further ways to better instructions."""

from typing import TYPE_CHECKING, Any, cast

from optimizer_app.engine.optimizers.base import CompileJob, Optimizer, Parameters, Sizes, Work, make
from optimizer_app.engine.optimizers.few_shot import BOOTSTRAPPED, LABELED, THRESHOLD
from optimizer_app.engine.parameters import Parameter

if TYPE_CHECKING:
    from optimizer_app.engine.programs import ProgramModule

NEVER = 1_000_000  # DSPy gives up an evaluation after this many failed examples; our gate decides instead


def _compile_copro(job: CompileJob) -> "ProgramModule":
    import dspy

    optimizer = make(dspy.COPRO, metric=job.metric, prompt_model=job.proposer, **job.parameters)
    scoring = {"num_threads": job.threads, "display_progress": False}
    # COPRO scores its candidates on what it is given; on validation, like every other, they can be told apart
    return cast("ProgramModule", optimizer.compile(job.module, trainset=job.validation, eval_kwargs=scoring))


def _compile_simba(job: CompileJob) -> "ProgramModule":
    import dspy

    parameters: dict[str, Any] = dict(job.parameters)
    parameters["bsize"] = min(parameters["bsize"], len(job.train))
    optimizer = make(
        dspy.SIMBA, metric=job.watch(job.metric), prompt_model=job.proposer, num_threads=job.threads, **parameters
    )
    return cast("ProgramModule", optimizer.compile(job.module, trainset=job.train, seed=job.seed))


def _compile_infer_rules(job: CompileJob) -> "ProgramModule":
    import dspy

    optimizer = make(
        dspy.InferRules,
        metric=job.metric,
        teacher_settings={"lm": job.teacher},
        num_threads=job.threads,
        max_errors=NEVER,
        **job.parameters,
    )
    optimizer.compile(job.module, trainset=job.train, valset=job.validation)
    # What it returns holds the last candidate's rules, whichever was best: DSPy 3.4 writes them on a class that
    # all its copies share. What was recorded when each candidate was scored is right.
    best = job.best()
    if best is None:
        raise RuntimeError("InferRules scored no candidate.")
    return job.rebuild(best)


def _copro_work(sizes: Sizes, parameters: Parameters) -> Work:
    breadth, depth, steps = parameters["breadth"], parameters["depth"], sizes.predictors
    rounds = depth if steps == 1 else steps * depth * (depth + 1) // 2
    evaluations = breadth * rounds * sizes.validation
    completions = steps * ((breadth - 1) + breadth * (depth - 1))
    return Work(evaluations, evaluations, proposals=(steps * depth, completions))


def _simba_work(sizes: Sizes, parameters: Parameters) -> Work:
    batch = min(parameters["bsize"], sizes.train)
    steps, n = parameters["max_steps"], parameters["num_candidates"]
    low = steps * batch * n + sizes.train
    return Work(low, low + steps * batch * (n + 1) + n * sizes.train, proposals=(0, steps * (n + 1)))


def _rules_work(sizes: Sizes, parameters: Parameters) -> Work:
    scored = parameters["num_candidates"] * sizes.validation
    asked = sizes.predictors * parameters["num_candidates"]
    most = sizes.train
    return Work(scored + 1, scored + most, reflections=(asked, asked * 2), teaching=(1, most), always_taught=True)


COPRO = Optimizer(
    "COPRO",
    "Rephrases the instruction, round after round, without looking at the data. Rarely the best choice.",
    (
        Parameter("breadth", "Candidates per round", "int", 6, "New wordings in every round.", 2, 50),
        Parameter("depth", "Rounds", "int", 3, "Each round starts from the best wordings so far.", 1, 10),
        Parameter("init_temperature", "Temperature", "float", 1.4, "How far the wordings stray.", 0.1, 2),
    ),
    minimum_train=1,
    work=_copro_work,
    compile=_compile_copro,
    changes=("instructions",),
    proposes=True,
)
SIMBA = Optimizer(
    "SIMBA",
    "Looks where its own answers vary most and adds a demo or a piece of advice. Scores on training examples only.",
    (
        Parameter("bsize", "Examples per step", "int", 32, "At most the training examples there are.", 2, 500),
        Parameter("num_candidates", "Candidates per step", "int", 6, "New programs tried in every step.", 2, 50),
        Parameter("max_steps", "Steps", "int", 6, "Rounds of trying and keeping.", 1, 50),
        Parameter("max_demos", "Demos", "int", 4, "Worked examples in the prompt, at most.", 0, 64),
    ),
    minimum_train=4,
    work=_simba_work,
    compile=_compile_simba,
    changes=("demos", "instructions"),
    proposes=True,
)
INFER_RULES = Optimizer(
    "InferRules",
    "Derives rules in plain language from training examples, adds them to the instruction and keeps the best set.",
    (
        Parameter("num_candidates", "Candidates", "int", 6, "Sets of rules to score.", 1, 100),
        Parameter("num_rules", "Rules", "int", 10, "How many rules are asked for.", 1, 50),
        BOOTSTRAPPED,
        LABELED,
        THRESHOLD,
    ),
    minimum_train=4,
    work=_rules_work,
    compile=_compile_infer_rules,
    changes=("demos", "instructions"),
    reflects=True,
)
