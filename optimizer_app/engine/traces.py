"""What a program's steps were given and answered, example by example."""

from typing import TYPE_CHECKING, Any

import dspy
from dspy.utils.parallelizer import ParallelExecutor

from optimizer_app.engine.programs import predictors

if TYPE_CHECKING:
    from optimizer_app.engine.optimizers.base import CompileJob


def worked_examples(job: "CompileJob", threshold: float) -> list[dict[str, Any]]:
    """`{"inputs", "demos": {step: {field: value}}}` of every training example.

    A program of one step learns from the labels themselves; of several steps, only what the program answered with at
    least `threshold` shows what its inner steps should say.
    """
    by_predictor = {id(predictor): name for name, predictor in predictors(job.module).items()}
    single = len(job.module.steps) == 1 and len(by_predictor) == 1

    if single:
        (step,) = job.module.steps
        return [{"inputs": dict(e.inputs()), "demos": {step: {**e.inputs(), **e.labels()}}} for e in job.train]

    def work(example: dspy.Example) -> dict[str, Any] | None:
        with dspy.context(trace=[]):
            prediction = job.module(**example.inputs())
            trace = list(dspy.settings.trace)
        inputs = dict(example.inputs())
        if job.metric(example, prediction) < threshold:
            return None
        demos = {by_predictor[id(p)]: {**given, **dict(made)} for p, given, made in trace if id(p) in by_predictor}
        return {"inputs": inputs, "demos": demos}

    executor = ParallelExecutor(
        num_threads=job.threads, disable_progress_bar=True, timeout=0, straggler_limit=0, max_errors=1_000_000
    )
    return [found for found in executor.execute(work, job.train) if found]
