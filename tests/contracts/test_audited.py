"""Every service that changes something records who did it; what does not is named here, with its reason."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
WRITES = {
    "save",
    "create",
    "update",
    "delete",
    "bulk_create",
    "bulk_update",
    "get_or_create",
    "update_or_create",
    "add",
    "set",
}
# Telemetry, measurements and derived rows: their loss or change is nobody's deed, and a row of audit for each would
# drown the others.
NOT_DEEDS = {
    "optimizer_app": {
        "audit": "the chain itself", "execution_rows": "executions are measurements", "executions": "measurements",
        "feedback": "measurements; verdicts of people go through review", "ingest_batches": "derived from executions",
        "traces": "measurements", "pulses": "signs of life", "run_progress": "progress of a run",
        "artifacts": "part of a run",
        "run_results": "part of a run, whose end is recorded", "batch_flow": "starts runs, which are recorded",
        "collection": "examples by a rule that is recorded", "serving": "measurements", "samples": "measurements",
        "registration": "calls services that record", "in_process": "calls services that record",
    },
    "analytics": {
        "stats": "derived from executions", "monitors": "derived", "traffic": "opens incidents, which are recorded",
        "levels": "opens incidents, which are recorded", "explanations": "part of an incident", "news": "messages",
        "loop_demo": "the demo", "canaries": "counts of a canary, whose start and end are recorded",
        "triggers": "each decision is a row of its own", "gates": "each decision is a row of its own",
    },
}  # fmt: skip


RECORDED_ELSEWHERE = {
    "agreement.agreement_page": "scores answers again, stores nothing",
    "imports.import_finish": "the examples are recorded where they are added",
    "quotes.pilot_run": "a measurement that is kept in the cache",
}


def _calls(node: ast.AST) -> set[str]:
    return {
        call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
        for call in ast.walk(node)
        if isinstance(call, ast.Call)
    }


def unrecorded(app: str) -> list[str]:
    """Public functions that write, and from which neither they nor what they call in their module records."""
    found = []
    for path in sorted((ROOT / app / "services").glob("*.py")):
        if path.stem in NOT_DEEDS[app]:
            continue
        functions = {n.name: n for n in ast.parse(path.read_text()).body if isinstance(n, ast.FunctionDef)}
        for name, node in functions.items():
            if name.startswith("_"):
                continue
            reached, todo = set(), [name]
            while todo:
                here = todo.pop()
                if here in reached:
                    continue
                reached.add(here)
                todo += [called for called in _calls(functions[here]) if called in functions]
            calls = set().union(*(_calls(functions[here]) for here in reached))
            asks = any(arg.arg == "by" for arg in node.args.kwonlyargs + node.args.args)
            if asks and calls & WRITES and "record" not in calls:
                found.append(f"{path.stem}.{name}")
    return found


def test_every_change_by_somebody_is_recorded() -> None:
    assert set(unrecorded("optimizer_app") + unrecorded("analytics")) == set(RECORDED_ELSEWHERE)


def test_what_is_no_deed_is_still_there() -> None:
    for app, named in NOT_DEEDS.items():
        assert all((ROOT / app / "services" / f"{stem}.py").exists() for stem in named)
