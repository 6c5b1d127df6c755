"""Work after a run: score further states on the same examples."""

from collections.abc import Sequence

import dspy

from optimizer_app.engine.evaluation import ExampleData, ExampleResult, Scorer, evaluate
from optimizer_app.engine.gate import Gate
from optimizer_app.engine.judging import open_judge
from optimizer_app.engine.lms import open_lm, tuned_connection
from optimizer_app.engine.programs import State, build, state_of
from optimizer_app.engine.runner import RunSpec, prepare
from optimizer_app.engine.spec import TUNED
from optimizer_app.engine.usage import Ledger


def score_state(
    spec: RunSpec, state: State, examples: Sequence[ExampleData], gate: Gate, ledger: Ledger
) -> list[ExampleResult]:
    """Results of a state, in the order of `examples`. Raises RunStopped when the gate is shut."""
    prepare(spec.workdir)
    module = build(spec.program, state, spec.passages)
    connection = tuned_connection(spec.connection, state_of(module).get(TUNED, {}))
    lm = open_lm(connection, gate, ledger, cache=True, artifacts=spec.artifacts)
    scorer = Scorer(spec.metric, open_judge(spec.judges, gate, ledger) if spec.judges else None)
    with dspy.context(lm=lm, callbacks=[], num_threads=spec.threads, trace=None, max_errors=1_000_000):
        return evaluate(module, examples, scorer, ledger, threads=spec.threads, model_name=spec.connection.name)
