"""Optimizers that put worked examples into the prompt."""

from typing import TYPE_CHECKING, cast

from optimizer_app.engine.optimizers.base import CompileJob, Optimizer, Parameters, Sizes, Work, make
from optimizer_app.engine.parameters import Parameter

if TYPE_CHECKING:
    from optimizer_app.engine.programs import ProgramModule

BOOTSTRAPPED = Parameter(
    "max_bootstrapped_demos", "Bootstrapped demos", "int", 4,
    "Worked examples that the program itself answered well enough, at most.", 1, 64,
)  # fmt: skip
LABELED = Parameter(
    "max_labeled_demos", "Demos in all", "int", 16,
    "The prompt is filled up to this many demos with labeled training examples. More demos make every call longer.",
    0, 128,
)  # fmt: skip
THRESHOLD = Parameter(
    "metric_threshold", "Score a demo needs", "float", 1.0,
    "An answer becomes a demo only if it scores at least this.", 0.01, 1,
)  # fmt: skip
ROUNDS = Parameter(
    "max_rounds", "Rounds", "int", 1, "How often an example that failed is tried again, at a higher temperature.", 1, 10
)
CANDIDATES = Parameter(
    "num_candidate_programs", "Random candidates", "int", 8,
    "Random draws of demos to score, besides three fixed candidates.", 1, 300,
)  # fmt: skip


def _compile_labeled(job: CompileJob) -> "ProgramModule":
    import dspy

    optimizer = make(dspy.LabeledFewShot, k=job.parameters["k"])
    return cast("ProgramModule", optimizer.compile(job.module, trainset=job.train))


def _compile_bootstrap(job: CompileJob) -> "ProgramModule":
    import dspy

    optimizer = make(dspy.BootstrapFewShot, metric=job.metric, teacher_settings=job.teacher_settings, **job.parameters)
    return cast("ProgramModule", optimizer.compile(job.module, trainset=job.train))


def compile_random_search(job: CompileJob) -> "ProgramModule":
    import dspy

    optimizer = make(
        dspy.BootstrapFewShotWithRandomSearch,
        metric=job.metric,
        num_threads=job.threads,
        teacher_settings=job.teacher_settings,
        **job.parameters,
    )
    return cast("ProgramModule", optimizer.compile(job.module, trainset=job.train, valset=job.validation))


def _no_work(sizes: Sizes, parameters: Parameters) -> Work:
    return Work(0, 0)


def _bootstrap_work(sizes: Sizes, parameters: Parameters) -> Work:
    low, high = min(parameters["max_bootstrapped_demos"], sizes.train), sizes.train * parameters["max_rounds"]
    return Work(low, high, teaching=(low, high))


def random_search_work(sizes: Sizes, parameters: Parameters) -> Work:
    candidates = parameters["num_candidate_programs"]
    scored = (candidates + 3) * sizes.validation
    bootstraps = candidates + 1
    most = bootstraps * sizes.train * parameters["max_rounds"]
    return Work(scored + bootstraps, scored + most, teaching=(bootstraps, most))


LABELED_FEW_SHOT = Optimizer(
    "LabeledFewShot",
    "Puts labeled training examples into the prompt as they are. Costs nothing to compile.",
    (Parameter("k", "Demos", "int", 16, "How many training examples go into the prompt.", 1, 128),),
    minimum_train=1,
    work=_no_work,
    compile=_compile_labeled,
)
BOOTSTRAP_FEW_SHOT = Optimizer(
    "BootstrapFewShot",
    "Runs the program on training examples and keeps the good answers as demos. Quick and cheap.",
    (BOOTSTRAPPED, LABELED, THRESHOLD, ROUNDS),
    minimum_train=2,
    work=_bootstrap_work,
    compile=_compile_bootstrap,
    reflects=True,
)
RANDOM_SEARCH = Optimizer(
    "BootstrapFewShotWithRandomSearch",
    "Tries many draws of demos and keeps the one that scores best on validation. A solid default.",
    (CANDIDATES, BOOTSTRAPPED, LABELED, THRESHOLD, ROUNDS),
    minimum_train=2,
    work=random_search_work,
    compile=compile_random_search,
    reflects=True,
)
