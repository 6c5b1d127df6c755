"""Every optimizer on eight intents of banking77, with one step and with two: `python -m tests.bench.optimizers DATA`.

DATA is banking77's train.csv. Prints the table of docs/optimizers.md. Each run is made twice; seconds are of the first.
Prices are made up ($0.15 in, $0.60 out per million tokens), so that the column shows what such a run would cost.
"""

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from optimizer_app.engine.gate import Gate
from optimizer_app.engine.lms import Connection
from optimizer_app.engine.metrics import Metric
from optimizer_app.engine.optimizers import optimizers
from optimizer_app.engine.parameters import parse_all
from optimizer_app.engine.programs import build, state_of
from optimizer_app.engine.progress import Candidate
from optimizer_app.engine.runner import RunOutcome, RunSpec, run
from optimizer_app.engine.spec import program_from_data
from optimizer_app.engine.usage import Ledger
from tests.bench.data import banking77, one_step, two_steps

MODEL = Connection("Built-in", "offline/lexical-1", price_in=0.15, price_out=0.60)
SETTINGS: dict[str, dict[str, Any]] = {
    "MIPROv2": {"auto": "medium"},
    "GEPA": {"auto": "light"},
    "KNNFewShot": {"k": 12},
    "SIMBA": {"max_steps": 6},
}
HEAD = "| optimizer | before, % | after, % | gain, points [95 %] | LM calls | cost | seconds | same twice |"


class Quiet:
    """A reporter that tells nobody."""

    def phase(self, text: str) -> None: ...
    def work(self, low: int, high: int) -> None: ...
    def program_call(self) -> None: ...
    def candidate(self, candidate: Candidate) -> None: ...
    def log(self, level: str, text: str) -> None: ...


def once(spec: RunSpec) -> tuple[RunOutcome, Ledger, float]:
    ledger = Ledger()
    started = time.perf_counter()
    outcome = run(spec, Quiet(), Gate(), ledger)
    return outcome, ledger, time.perf_counter() - started


def line(name: str, program: dict[str, Any], splits: dict[str, Any], folder: Path) -> str:
    made = program_from_data(program)
    values: dict[str, Any] = {
        "program": made,
        "baseline": state_of(build(made)),
        "connection": MODEL,
        "metric": Metric("exact_match", "label"),
        "optimizer": name,
        "parameters": parse_all(optimizers()[name].parameters, SETTINGS.get(name, {})),
        "seed": 3,
        "threads": 1,
        **splits,
    }
    outcome, ledger, seconds = once(RunSpec(workdir=folder / "1", **values))
    again, _, _ = once(RunSpec(workdir=folder / "2", **values))
    if outcome.comparison is None or outcome.winner is None:
        return f"| {name} | | | {outcome.finish}: {outcome.message} | {ledger.total.calls:,} | | {seconds:.1f} | |"
    c = outcome.comparison
    same = again.winner is not None and again.winner.fingerprint == outcome.winner.fingerprint
    return (
        f"| {name} | {100 * c.before:.1f} | {100 * c.after:.1f} | "
        f"{100 * c.difference:+.1f} [{100 * c.low:+.1f}, {100 * c.high:+.1f}] | {ledger.total.calls:,} | "
        f"${ledger.total.cost_usd:.2f} | {seconds:.1f} | {'yes' if same else 'NO'} |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", nargs="*", default=list(optimizers()))
    options = parser.parse_args()
    splits = banking77(options.data)
    out = sys.stdout.write
    for title, program in (("One step", one_step()), ("Two steps", two_steps())):
        out(f"\n{title}, {len(splits['test'])} sealed test examples\n\n{HEAD}\n|---|---|---|---|---|---|---|---|\n")
        for name in options.only:
            with tempfile.TemporaryDirectory() as folder:
                out(line(name, program, splits, Path(folder)) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
