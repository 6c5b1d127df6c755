"""Two test evaluations of a worker against each other: of any runs, versions, models and datasets."""

from collections.abc import Sequence
from dataclasses import dataclass

from analytics.compute.intervals import Estimate, Moments, mean_difference
from analytics.compute.paired import Change, Comparison, compare_changes
from optimizer_app.common.problems import Refused
from optimizer_app.models import Evaluation, Split, Worker

NEWEST = 200
LEAST_SHARED = 10


@dataclass(frozen=True)
class Offline:
    """`paired` on the examples that both were tested on, where they are enough; else `apart`, of different examples."""

    a: Evaluation
    b: Evaluation
    shared: int
    paired: Comparison | None
    apart: Estimate | None


def tests_of(worker: Worker) -> list[Evaluation]:
    """Evaluations on sealed test splits, newest first, each with its version, data and language model."""
    found = Evaluation.objects.filter(run__worker=worker, split=Split.TEST).order_by("-id")
    related = ("version", "run__dataset_version__dataset", "run__language_model")
    return list(found.select_related(*related).defer("version__state", "run__settings", "run__quote")[:NEWEST])


def label_of(evaluation: Evaluation) -> str:
    """What an evaluation is called in a choice."""
    run = evaluation.run
    version = f"v{evaluation.version.number}" if evaluation.version else evaluation.get_role_display()
    return f"{version} on {run.dataset_version}, {run.language_model}, {run}: {100 * evaluation.mean_score:.1f} %"


def offline(tests: Sequence[Evaluation], first: str, second: str) -> Offline | None:
    """`second` against `first`, each the id of one of the tests; None while one is not chosen. Raises Refused."""
    if not first or not second:
        return None
    by_id = {str(test.pk): test for test in tests}
    if unknown := [told for told in (first, second) if told not in by_id]:
        raise Refused(f"There is no test “{unknown[0][:20]}” of this worker.")
    a, b = by_id[first], by_id[second]
    before, after = (dict(test.scores.values_list("example", "score")) for test in (a, b))
    changes = [Change(str(key), before[key], after[key]) for key in before if key in after]
    if len(changes) >= LEAST_SHARED:
        return Offline(a, b, len(changes), compare_changes(changes), None)
    sides = (Moments(len(t), sum(t.values()), sum(x * x for x in t.values())) for t in (before, after))
    return Offline(a, b, len(changes), None, mean_difference(*sides))
