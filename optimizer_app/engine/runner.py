"""One run: baseline on validation and on the sealed test split, compile, winner on the same examples, comparison."""

import contextlib
import io
import logging
import random
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Literal

import dspy
import msgspec

from optimizer_app.engine.comparison import Comparison, Verdict, compare
from optimizer_app.engine.errors import explain, lm_error_in
from optimizer_app.engine.evaluation import (
    ExampleData,
    ExampleResult,
    Scorer,
    as_dspy_metric,
    as_feedback_metric,
    evaluate,
    mean_score,
)
from optimizer_app.engine.gate import Budget, Gate, RunStopped
from optimizer_app.engine.judging import open_judge
from optimizer_app.engine.lms import Connection, Role, open_lm, tuned_connection
from optimizer_app.engine.metrics import Metric
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.engine.optimizers.base import CompileJob, Optimizer, Sizes
from optimizer_app.engine.programs import ProgramModule, State, build, example_of, state_hash, state_of
from optimizer_app.engine.progress import LogForwarder, Recorder, Reporter
from optimizer_app.engine.retrieval import Passages
from optimizer_app.engine.spec import TUNED, Program
from optimizer_app.engine.usage import Ledger

Finish = Literal["improved", "no_improvement", "worse", "perfect_score", "budget", "stopped", "paused", "error", "lost"]
FINISH: dict[Verdict, Finish] = {
    "improved": "improved",
    "worse": "worse",
    "equivalent": "no_improvement",
    "undecided": "no_improvement",
}
IN_FLIGHT_S = 5.0  # so long a stopped search waits for the calls it has begun, which are paid for
NEVER = 1_000_000  # DSPy gives up an evaluation after this many failed examples; our gate decides instead


class RunSpec(msgspec.Struct, frozen=True):
    """What to run, as plain data. `workdir` keeps the cache from which a killed run resumes.

    `proposer` and `teacher` default to the task's connection; `judges` are those that the metric names.
    """

    program: Program
    baseline: State
    connection: Connection
    metric: Metric
    optimizer: str
    parameters: dict[str, Any]
    seed: int
    threads: int
    train: list[ExampleData]
    validation: list[ExampleData]
    test: list[ExampleData]
    workdir: Path
    budget: Budget = Budget()
    proposer: Connection | None = None
    teacher: Connection | None = None
    judges: dict[str, Connection] = {}
    passages: dict[str, Passages] = {}

    @property
    def artifacts(self) -> Path:
        """Where fine-tuned models are put."""
        return self.workdir / "artifacts"


class Evaluated(msgspec.Struct, frozen=True):
    """A program state with its results on both held-out splits."""

    state: State
    fingerprint: str
    validation: list[ExampleResult]
    test: list[ExampleResult]


class RunOutcome(msgspec.Struct, frozen=True):
    """How a run ended. Baseline, winner and comparison are there as far as the run came."""

    finish: Finish
    message: str
    baseline: Evaluated | None = None
    winner: Evaluated | None = None
    comparison: Comparison | None = None


def run(spec: RunSpec, reporter: Reporter, gate: Gate, ledger: Ledger) -> RunOutcome:
    """Execute a run. Never raises for what the data, the model or a person did: the outcome says it."""
    prepare(spec.workdir)
    execution = _Execution(spec, reporter, gate, ledger)
    try:
        with _output_to(reporter):
            return execution.run()
    except RunStopped as stopped:
        message = stopped.stop.message
        best = execution.recorder.best or execution.recorder.best_part
        if stopped.stop.kind == "stopped" and best:
            message += f" Best candidate so far: {best.score:.1%} on {best.examples} examples, not tested."
        return RunOutcome(stopped.stop.kind, message, execution.baseline)
    except Exception as error:
        return RunOutcome("error", f"{execution.place}: {explained(error, spec.connection)}", execution.baseline)


def prepare(workdir: Path) -> None:
    """Direct DSPy's cache to the folder: on disk only, in memory it would keep every prompt of every run."""
    (workdir / "artifacts").mkdir(parents=True, exist_ok=True)
    dspy.configure_cache(disk_cache_dir=str(workdir / "lm-cache"), enable_memory_cache=False, restrict_pickle=True)


def explained(error: Exception, connection: Connection) -> str:
    """An error in words: the language model's, if one is behind it."""
    lm_error = lm_error_in(error)
    return explain(lm_error, connection.name) if lm_error else f"{type(error).__name__}: {error}"


class _Execution:
    """The steps of a run in order; `place` says which one it is at."""

    def __init__(self, spec: RunSpec, reporter: Reporter, gate: Gate, ledger: Ledger) -> None:
        self.spec = spec
        self.reporter = reporter
        self.gate = gate
        self.search_gate = Gate(outer=gate, budget=spec.budget)
        self.ledger = ledger
        self.recorder = Recorder(spec.program, reporter)
        self.place = "Baseline"
        self.note = ""
        self.baseline: Evaluated | None = None

    def run(self) -> RunOutcome:
        spec = self.spec
        optimizer = optimizers()[spec.optimizer]
        sizes = Sizes(len(spec.train), len(spec.validation), spec.program.predictors)
        work = optimizer.work(sizes, spec.parameters)
        frame = 2 * (len(spec.validation) + len(spec.test))
        self.reporter.work(work.low + frame, work.high + frame)
        self.baseline = self._evaluate(spec.baseline, "Baseline", self.search_gate)
        if mean_score(self.baseline.validation) == 1 and mean_score(self.baseline.test) == 1:
            message = "The baseline already answers every validation and test example right: nothing to optimize."
            return RunOutcome("perfect_score", message, self.baseline)
        self.place = f"Optimizing with {optimizer.name}"
        winner = self._evaluate(self._search(optimizer), "Winner", self.gate)
        comparison = compare(
            [result.score for result in self.baseline.test],
            [result.score for result in winner.test],
            binary=spec.metric.binary,
            groups=[example.group for example in spec.test],
        )
        return RunOutcome(FINISH[comparison.verdict], self.note, self.baseline, winner, comparison)

    def _open(self, gate: Gate, role: Role = "task", connection: Connection | None = None) -> dspy.LM:
        chosen = connection or self.spec.connection
        return open_lm(chosen, gate, self.ledger, cache=True, role=role, artifacts=self.spec.artifacts)

    def _context(self, lm: dspy.LM, *callbacks: Recorder) -> AbstractContextManager[None]:
        context: AbstractContextManager[None] = dspy.context(
            lm=lm, callbacks=list(callbacks), num_threads=self.spec.threads, trace=None, max_errors=NEVER
        )
        return context

    def _search(self, optimizer: Optimizer) -> State:
        """What the optimizer found; when the budget ended its search, the best candidate scored until then."""
        found: State | None = None
        failure: Exception | None = None
        lm = self._open(self.search_gate)
        try:
            with self._context(lm, self.recorder):
                found = state_of(optimizer.compile(self._job(lm)))
        except RunStopped:
            pass
        except Exception as error:  # some optimizers turn a stop into an error of their own
            failure = error
        self.search_gate.drain(IN_FLIGHT_S)
        self.gate.check()  # an optimizer may return a program although it was stopped: not to be trusted
        if stop := self.search_gate.stop:
            best = self.recorder.best or self.recorder.best_part
            kept = "The best candidate until then was tested." if best else "No candidate had been scored until then."
            self.note = f"{stop.message} {kept}"
            return best.state if best else self.spec.baseline
        if found is None:
            raise failure or RuntimeError(f"{optimizer.name} returned no program.")
        return found

    def _job(self, lm: dspy.LM) -> CompileJob:
        spec = self.spec
        train = [example_of(example.inputs, example.outputs) for example in spec.train]
        random.Random(spec.seed).shuffle(train)  # noqa: S311 - reproducible sampling, not security
        scorer = self._scorer(self.search_gate)
        module = self._build(spec.baseline)
        return CompileJob(
            module=module,
            train=train,
            validation=[example_of(example.inputs, example.outputs) for example in spec.validation],
            metric=as_dspy_metric(scorer, [field.name for field in spec.program.outputs]),
            feedback_metric=as_feedback_metric(scorer, spec.program),
            parameters=spec.parameters,
            seed=spec.seed,
            threads=spec.threads,
            task=lm,
            proposer=self._open(self.search_gate, "proposer", spec.proposer),
            teacher=self._open(self.search_gate, "teacher", spec.teacher),
            separate_teacher=spec.teacher is not None,
            watch=self.recorder.watch,
            best=lambda: self.recorder.best.state if self.recorder.best else None,
            rebuild=self._build,
            artifacts=spec.artifacts,
            watchers=[self.recorder.lineage(module)],
        )

    def _build(self, state: State) -> ProgramModule:
        module: ProgramModule = build(self.spec.program, state or self.spec.baseline, self.spec.passages)
        return module

    def _scorer(self, gate: Gate) -> Scorer:
        judges = self.spec.judges
        return Scorer(self.spec.metric, open_judge(judges, gate, self.ledger) if judges else None)

    def _evaluate(self, state: State, name: str, gate: Gate) -> Evaluated:
        spec = self.spec
        module = self._build(state)
        state = state_of(module)
        scorer = self._scorer(gate)
        results = {}
        with self._context(self._open(gate, connection=tuned_connection(spec.connection, state.get(TUNED, {})))):
            for split, examples in (("validation", spec.validation), ("test", spec.test)):
                self.place = f"{name} on {split}"
                self.reporter.phase(self.place)
                results[split] = evaluate(
                    module,
                    examples,
                    scorer,
                    self.ledger,
                    threads=spec.threads,
                    model_name=spec.connection.name,
                    called=self.recorder.program_called,
                )
        score = mean_score(results["test"])
        self.reporter.log("info", f"{name}: {score:.1%} on {len(spec.test)} test examples.")
        return Evaluated(state, state_hash(spec.program, state), results["validation"], results["test"])


@contextlib.contextmanager
def _output_to(reporter: Reporter) -> Iterator[None]:
    """DSPy's log goes to the reporter; its prints and progress bars go nowhere."""
    logger = logging.getLogger("dspy")
    handler = LogForwarder(reporter)
    previous, level, disabled = logger.handlers, logger.level, logger.disabled
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.disabled = False  # a logging configuration read after DSPy's import disables its logger
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            yield
    finally:
        logger.handlers = previous
        logger.setLevel(level)
        logger.disabled = disabled
