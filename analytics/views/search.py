"""The search of a run: its candidates as chart and table."""

from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from analytics.charts.runs import Point, search_figure
from optimizer_app.common.access import Capability
from optimizer_app.common.pages import fragment, needs
from optimizer_app.models import Candidate, Run
from optimizer_app.selectors.candidates import CandidateLine, candidate_lines

UNCHANGED = 204
KEPT_S = 30
EFFORTS = {"calls": "program calls", "cost": "USD spent"}


@needs(Capability.READ)
def run_chart(request: HttpRequest, run_id: int) -> HttpResponse:
    """The search so far, as a panel of the run's page; 204 while no further candidate was scored."""
    run = get_object_or_404(Run, pk=run_id)
    newest = run.candidates.order_by("-scored_at").values_list("scored_at", flat=True).first()
    tests = run.follow_ups.count()
    effort = request.GET.get("effort", "calls")
    effort = effort if effort in EFFORTS else "calls"
    seen = f"{newest.timestamp() if newest else 0}-{tests}-{effort}-{run.ended}"
    if request.GET.get("seen") == seen:
        return HttpResponse(status=UNCHANGED)
    key = f"run-chart-{run_id}-{seen}"
    kept = cache.get(key)
    if kept is None:
        lines = candidate_lines(run)
        kept = fragment(
            request, "analytics/_run_chart.html", figure=_figure(lines, effort) if lines else None, lines=lines,
            run=run, seen=seen, effort=effort, efforts=EFFORTS, priced=any(line.candidate.cost_usd for line in lines),
        ).content  # fmt: skip
        cache.set(key, kept, KEPT_S)
    return HttpResponse(kept)


def _figure(lines: list[CandidateLine], effort: str) -> dict[str, object]:
    rows = [line.candidate for line in lines]
    full = {c.number: _point(c, c.full_score, effort) for c in rows if c.full_score is not None}
    part = [
        _point(c, c.minibatch_score, effort) for c in rows if c.full_score is None and c.minibatch_score is not None
    ]
    descents = [
        (full[parent], full[c.number]) for c in rows if c.number in full for parent in c.parents if parent in full
    ]
    return search_figure(list(full.values()), part, descents, effort=EFFORTS[effort])


def _point(candidate: Candidate, score: float, effort: str) -> Point:
    return Point(candidate.calls if effort == "calls" else candidate.cost_usd or 0.0, candidate.number, score)
