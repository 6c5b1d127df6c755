"""What orchestration costs: `python -m tests.bench.overhead DATA`.

The same optimizer, seed, model and data through Uplift (database, progress, accounting) and through a bare DSPy
script that does the same scoring. Prints ratios of wall time, the difference of peak memory, and whether both found
the same program. Every measurement is a process of its own; the smallest of several repeats counts.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

SEED, CANDIDATES, DELAY_S, REPEATS = 3, 8, 0.02, 7


def bare(data: Path, url: str, threads: int) -> dict[str, Any]:
    """A script that someone without Uplift would write."""
    import random
    from typing import Literal

    import dspy

    from optimizer_app.engine.offline.lm import LexicalLM
    from tests.bench.data import INTENTS, banking77

    splits = banking77(data)
    lm = dspy.LM("openai/slow20", api_base=url, api_key="k", cache=False, num_retries=0) if url else LexicalLM()
    label: Any = Literal.__getitem__(tuple(INTENTS))
    signature = dspy.Signature(
        {"text": (str, dspy.InputField()), "label": (label, dspy.OutputField())}, "Classify the customer's message."
    )

    class Classify(dspy.Module):
        def __init__(self) -> None:
            super().__init__()
            self.answer = dspy.Predict(signature)

        def forward(self, text: str) -> dspy.Prediction:
            return self.answer(text=text)

    def examples(split: str) -> list[dspy.Example]:
        # Uplift orders a split by content hash; the order only decides which demos are drawn first
        rows = ordered(splits[split])
        return [dspy.Example(**e.inputs, **e.outputs).with_inputs("text") for e in rows]

    train, validation, test = examples("train"), examples("validation"), examples("test")
    random.Random(SEED).shuffle(train)

    def exact(gold: dspy.Example, prediction: dspy.Prediction, trace: object = None) -> float:
        return float(gold["label"] == prediction["label"])

    started = time.perf_counter()
    with dspy.context(lm=lm, num_threads=threads, trace=None):
        score = {"metric": exact, "num_threads": threads, "display_progress": False}
        for split in (validation, test):
            dspy.Evaluate(devset=split, **score)(Classify())
        optimizer = dspy.BootstrapFewShotWithRandomSearch(
            metric=exact, num_threads=threads, num_candidate_programs=CANDIDATES, max_bootstrapped_demos=4,
            max_labeled_demos=16, metric_threshold=1.0,
        )  # fmt: skip
        found = optimizer.compile(Classify(), trainset=train, valset=validation)
        for split in (validation, test):
            dspy.Evaluate(devset=split, **score)(found)
    seconds = time.perf_counter() - started
    demos = [{key: demo[key] for key in ("text", "label")} for demo in found.answer.demos]
    return {"seconds": seconds, "program": [found.answer.signature.instructions, demos]}


def uplift(data: Path, url: str, threads: int) -> dict[str, Any]:
    """A run as a Celery worker executes it, with its own database."""
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    from optimizer_app.common.access import SYSTEM
    from optimizer_app.models import DatasetVersion, DatasetVersionExample, LanguageModel, Metric, Run
    from optimizer_app.services.datasets import dataset_create, examples_add
    from optimizer_app.services.run_execution import run_execute
    from optimizer_app.services.runs import run_create
    from optimizer_app.services.workers import worker_create
    from tests.bench.data import banking77, one_step

    model = LanguageModel.objects.all()[0]
    if url:
        model = LanguageModel.objects.create(name="Slow", model="openai/slow20", api_base=url, api_key="k", retries=0)
    worker = worker_create(
        by=SYSTEM, name="Bench", description="", program=one_step(), language_model=model,
        metric=Metric.objects.get(name="Exact match"),
    )  # fmt: skip
    dataset = dataset_create(by=SYSTEM, name="Bench", description="", worker=worker)
    splits = banking77(data)
    rows = [{**e.inputs, **e.outputs} for examples in splits.values() for e in examples]
    examples_add(dataset, enumerate(rows, start=1), by=SYSTEM, source="bench")
    version = DatasetVersion.objects.create(
        dataset=dataset, number=1, content_hash="bench", seed=0, created_by="bench",
        counts={split: len(examples) for split, examples in splits.items()},
    )  # fmt: skip
    stored = {example.inputs["text"]: example.pk for example in dataset.examples.all()}
    DatasetVersionExample.objects.bulk_create(
        DatasetVersionExample(version=version, example_id=stored[e.inputs["text"]], split=split)
        for split, examples in splits.items()
        for e in examples
    )
    run = run_create(
        by=SYSTEM, worker=worker, dataset_version=version, optimizer="BootstrapFewShotWithRandomSearch",
        parameters={"num_candidate_programs": CANDIDATES}, seed=SEED,
    )  # fmt: skip
    Run.objects.filter(pk=run.pk).update(threads=threads)
    started = time.perf_counter()
    run_execute(run.pk)
    seconds = time.perf_counter() - started
    run.refresh_from_db()
    assert run.winner is not None, run.message
    state = run.winner.state["answer"]
    demos = [{key: demo[key] for key in ("text", "label")} for demo in state["demos"]]
    return {"seconds": seconds, "program": [state["instructions"], demos]}


def ordered(examples: list[Any]) -> list[Any]:
    """In the order of their content, as Uplift reads a split."""
    from optimizer_app.engine.spec import content_hash

    return sorted(examples, key=lambda e: content_hash([e.inputs, e.outputs]))


def measured(kind: str, data: Path, url: str, threads: int) -> dict[str, Any]:
    """One measurement in a fresh process."""
    with tempfile.TemporaryDirectory() as folder:
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "optimizer_app.settings",
            "UPLIFT_DATA_DIR": folder,
            "BROKER_URL": "memory://",
            "DSPY_CACHEDIR": f"{folder}/cache",
        }
        command = [sys.executable, "-m", "tests.bench.overhead", str(data), "--child", kind, url, str(threads)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result


def compared(data: Path, url: str, threads: int, title: str) -> str:
    pairs = [(measured("bare", data, url, threads), measured("uplift", data, url, threads)) for _ in range(REPEATS)]
    without, through = (min((pair[side] for pair in pairs), key=lambda r: r["seconds"]) for side in (0, 1))
    same = without["program"] == through["program"]
    return (
        f"| {title} | {without['seconds']:.2f} s | {through['seconds']:.2f} s | "
        f"{through['seconds'] / without['seconds']:.3f} | {through['peak_mb'] - without['peak_mb']:+.0f} MB | "
        f"{'yes' if same else 'NO'} |\n"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--child", nargs=3)
    parser.add_argument("--only", choices=("built-in", "loopback"))
    options = parser.parse_args()
    if options.child:
        kind, url, threads = options.child
        result = {"bare": bare, "uplift": uplift}[kind](options.data, url, int(threads))
        result["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        sys.stdout.write("\n" + json.dumps(result) + "\n")
        return
    from tests.optimizer_app.engine.loopback import serving

    out = sys.stdout.write
    out("| model | bare DSPy | through Uplift | ratio | peak memory | same program |\n|---|---|---|---|---|---|\n")
    if options.only != "loopback":
        out(compared(options.data, "", 1, "built-in, 1 thread"))
    if options.only == "built-in":
        return
    with serving() as server:
        server.delays["slow20"] = DELAY_S
        out(compared(options.data, server.url, 4, f"loopback HTTP, {DELAY_S * 1000:.0f} ms, 4 threads"))


if __name__ == "__main__":
    main()
