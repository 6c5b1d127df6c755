"""KNNFewShot and Ensemble: programs made around the program, at a price for every later call."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from optimizer_app.engine.optimizers.base import CompileJob, Optimizer, Parameters, Sizes, Work
from optimizer_app.engine.optimizers.few_shot import (
    BOOTSTRAPPED,
    CANDIDATES,
    LABELED,
    ROUNDS,
    THRESHOLD,
    compile_random_search,
    random_search_work,
)
from optimizer_app.engine.parameters import Parameter

if TYPE_CHECKING:
    from optimizer_app.engine.programs import ProgramModule


def _compile_nearest(job: CompileJob) -> "ProgramModule":
    """Worked examples of the training set, from which each call picks the most similar.

    DSPy's own KNNFewShot bootstraps anew at every call (up to k+1 calls each) and cannot be saved; here the program
    answers each training example once, at compile time, and what scored well is stored.
    """
    from optimizer_app.engine.assemblies import NearestModule
    from optimizer_app.engine.traces import worked_examples

    threshold = job.parameters["metric_threshold"]
    stored = worked_examples(job, threshold)
    if not stored:
        raise ValueError(f"No training example was answered with a score of {threshold} or more.")
    return NearestModule(job.module, job.parameters["k"], stored)


def _compile_ensemble(job: CompileJob) -> "ProgramModule":
    from optimizer_app.engine.assemblies import ensemble_of

    parameters: dict[str, Any] = dict(job.parameters)
    size = parameters.pop("size")
    found: Any = compile_random_search(replace(job, parameters=parameters))
    # sorted by score, equal ones in the order tried
    return ensemble_of([entry["program"] for entry in found.candidate_programs[:size]])


def _nearest_work(sizes: Sizes, parameters: Parameters) -> Work:
    calls = sizes.train if sizes.predictors > 1 else 0
    return Work(calls, calls)


def _ensemble_work(sizes: Sizes, parameters: Parameters) -> Work:
    search = random_search_work(sizes, {name: v for name, v in parameters.items() if name != "size"})
    return replace(search, serving=parameters["size"])


KNN_FEW_SHOT = Optimizer(
    "KNNFewShot",
    "Gives each call the training examples most like it as demos. One pass over the training set, longer prompts.",
    (
        Parameter("k", "Demos per call", "int", 8, "How many of the most similar examples go into the prompt.", 1, 64),
        THRESHOLD,
    ),
    minimum_train=2,
    work=_nearest_work,
    compile=_compile_nearest,
)
ENSEMBLE = Optimizer(
    "Ensemble",
    "Random search, then the best candidates vote on every answer. Each later call costs as many calls as voters.",
    (
        Parameter("size", "Voters", "int", 3, "An odd number avoids ties.", 2, 9),
        CANDIDATES,
        BOOTSTRAPPED,
        LABELED,
        THRESHOLD,
        ROUNDS,
    ),
    minimum_train=2,
    work=_ensemble_work,
    compile=_compile_ensemble,
    reflects=True,
)
