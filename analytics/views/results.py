"""Before/after: the page of a run's result, its examples, and the run's search chart."""

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from analytics.charts.comparisons import interval_figure, splits_figure
from analytics.charts.runs import search_figure
from analytics.selectors.results import OUTCOMES, outcome_scores, pairs, result
from optimizer_app.common.access import Capability
from optimizer_app.common.pages import fragment, needs, page
from optimizer_app.models import Comparison, Evaluation, Run, Split

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
    return page(
        request, "analytics/result.html", title=f"Before and after: {shown.run.worker.name}", shown=shown,
        run=shown.run, scores=scores, interval=interval_figure(shown.numbers), splits=splits_figure(scores),
        active=shown.run.worker.active_version_id == shown.run.winner_id,
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


@needs(Capability.READ)
def run_chart(request: HttpRequest, run_id: int) -> HttpResponse:
    """The search so far, as a panel of the run's page."""
    candidates = get_object_or_404(Run, pk=run_id).candidates.defer("state")
    rows = list(candidates)
    full = [(c.calls, c.number, c.full_score) for c in rows if c.full_score is not None]
    part = [
        (c.calls, c.number, c.minibatch_score) for c in rows if c.full_score is None and c.minibatch_score is not None
    ]
    return fragment(
        request, "analytics/_run_chart.html", figure=search_figure(full, part) if rows else None, candidates=rows
    )


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
