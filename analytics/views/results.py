"""Before/after: the page of a run's result, and its examples."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from analytics.charts.comparisons import interval_figure, splits_figure
from analytics.charts.values import changes_figure
from analytics.compute.paired import changes_histogram, slices_of
from analytics.selectors.results import OUTCOMES, outcome_scores, pairs, result, result_changes
from optimizer_app.common.access import Capability
from optimizer_app.common.pages import needs, page
from optimizer_app.models import Comparison, Evaluation, Split

PER_PAGE = 20


@needs(Capability.READ)
def result_page(request: HttpRequest, run_id: int) -> HttpResponse:
    comparison = _comparison(run_id)
    shown = result(comparison)
    scores = {
        str(split.label): (
            shown.evaluations[split][Evaluation.Role.BASELINE].mean_score,
            shown.evaluations[split][Evaluation.Role.WINNER].mean_score,
        )
        for split in (Split.VALIDATION, Split.TEST)
    }
    changes = result_changes(comparison)
    return page(
        request, "analytics/result.html", title=f"Before and after: {shown.run.worker.name}", shown=shown,
        run=shown.run, scores=scores, interval=interval_figure(shown.numbers), splits=splits_figure(scores),
        active=shown.run.worker.active_version_id == shown.run.winner_id, slices=slices_of(changes),
        histogram=changes_figure(bars) if len(bars := changes_histogram(changes)) > 3 else None, bars=bars,
    )  # fmt: skip


@needs(Capability.READ)
def result_examples(request: HttpRequest, run_id: int) -> HttpResponse:
    comparison = _comparison(run_id)
    outcome = request.GET.get("outcome", "")
    found = Paginator(outcome_scores(comparison, outcome), PER_PAGE).get_page(request.GET.get("page"))
    return page(
        request, "analytics/examples.html", title="Test examples", run=comparison.run, comparison=comparison,
        outcome=outcome, outcomes=OUTCOMES, found=found, pairs=list(pairs(comparison, list(found))),
    )  # fmt: skip


@needs(Capability.READ)
def result_example(request: HttpRequest, run_id: int, example_id: int) -> HttpResponse:
    comparison = _comparison(run_id)
    score = get_object_or_404(outcome_scores(comparison), example_id=example_id)
    pair = next(pairs(comparison, [score]))
    return page(request, "analytics/example.html", title="Test example", run=comparison.run, pair=pair)


def _comparison(run_id: int) -> Comparison:
    related = (
        "before",
        "after",
        "run__worker",
        "run__baseline",
        "run__winner",
        "run__dataset_version__dataset",
        "run__metric",
    )
    return get_object_or_404(Comparison.objects.select_related(*related), run_id=run_id)
