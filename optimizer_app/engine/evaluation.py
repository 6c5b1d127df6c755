"""Run a program over examples and keep what happened to each."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dspy
import msgspec
from dspy.utils.parallelizer import ParallelExecutor

from optimizer_app.engine.errors import explain
from optimizer_app.engine.metrics import Case, Judge, Metric, Score, score
from optimizer_app.engine.programs import ProgramModule, outputs_of
from optimizer_app.engine.spec import Program
from optimizer_app.engine.usage import Ledger


class ExampleData(msgspec.Struct, frozen=True):
    """An example as plain data; `id` is the caller's. `group` names the person or document that it hangs together with
    others by, where it does."""

    id: int
    inputs: dict[str, Any]
    outputs: dict[str, Any]
    group: str = ""


class ExampleResult(msgspec.Struct, frozen=True):
    """One example under one program. An `error` scores 0. `cost_usd` is None when unpriced.

    `cached`: a killed run resumed and found the answer in its cache, so time and tokens are not those of a call.
    """

    example_id: int
    score: float
    feedback: str
    outputs: dict[str, Any]
    error: str
    latency_ms: float
    tokens_in: int
    tokens_out: int
    cost_usd: float | None
    cached: bool


def mean_score(results: Sequence[ExampleResult]) -> float:
    """The mean score, 0 to 1."""
    return sum(result.score for result in results) / len(results)


@dataclass(frozen=True)
class Scorer:
    """A metric with what it needs to score: the judge, where it asks one."""

    metric: Metric
    judge: Judge | None = None

    def score(self, inputs: Mapping[str, Any], expected: Mapping[str, Any], predicted: Mapping[str, Any]) -> Score:
        return score(self.metric, Case(inputs, expected, predicted), self.judge)


def evaluate(
    module: ProgramModule,
    examples: Sequence[ExampleData],
    scorer: Scorer,
    ledger: Ledger,
    *,
    threads: int,
    model_name: str,
    called: Callable[[], None] = lambda: None,
) -> list[ExampleResult]:
    """Results in the order of `examples`. A failing example scores 0 and says why; RunStopped passes through.

    `called` hears of every call of the program.
    """

    def run(example: ExampleData) -> ExampleResult:
        usage = ledger.open()
        started = time.perf_counter()
        outputs: dict[str, Any] = {}
        error = ""
        try:
            outputs = outputs_of(module.program, module(**example.inputs))
        except Exception as exception:
            error = explain(exception, model_name)
        latency_ms = (time.perf_counter() - started) * 1000
        called()
        used = msgspec.structs.replace(usage)  # before a judge adds its own calls
        scored = scorer.score(example.inputs, example.outputs, outputs) if not error else Score(0.0, error)
        return ExampleResult(
            example_id=example.id,
            score=scored.value,
            feedback=scored.feedback,
            outputs=outputs,
            error=error,
            latency_ms=latency_ms,
            tokens_in=used.tokens_in,
            tokens_out=used.tokens_out,
            cost_usd=used.cost_usd,
            cached=used.cached_calls > 0,
        )

    # timeout=0: after 120 s DSPy would otherwise send slow examples a second time and pay twice.
    executor = ParallelExecutor(num_threads=threads, disable_progress_bar=True, timeout=0, straggler_limit=0)
    return list(executor.execute(run, list(examples)))


def as_dspy_metric(scorer: Scorer, output_names: Sequence[str]) -> Callable[..., float]:
    """The metric in the form DSPy's optimizers call. A float: a Prediction would always be truthy."""

    def score_example(gold: dspy.Example, prediction: Mapping[str, Any], trace: object = None) -> float:
        return _scored(scorer, output_names, gold, prediction).value

    return score_example


def as_feedback_metric(scorer: Scorer, program: Program) -> Callable[..., dspy.Prediction]:
    """The metric in GEPA's form: score and feedback. Only for GEPA: others would take any Prediction for true.

    Where a wrong output is made by the step that is asked about, that step hears about its own outputs only.
    """
    names = [field.name for field in program.outputs]
    made_by = {field.name: step.name for step in program.steps for field in step.outputs}

    def score_example(
        gold: dspy.Example,
        prediction: Mapping[str, Any],
        trace: object = None,
        pred_name: str | None = None,
        pred_trace: object = None,
    ) -> dspy.Prediction:
        scored = _scored(scorer, names, gold, prediction)
        own = [text for field, text in scored.by_field.items() if f"'{made_by.get(field, '')}'" in (pred_name or "")]
        return dspy.Prediction(score=scored.value, feedback="; ".join(own) or scored.feedback)

    return score_example


def _scored(scorer: Scorer, names: Sequence[str], gold: dspy.Example, prediction: Mapping[str, Any]) -> Score:
    expected = {name: gold[name] for name in names}
    found = {name: prediction[name] for name in names if name in prediction}
    return scorer.score(dict(gold.inputs()), expected, found)
