"""Evaluations from elsewhere: bring them in, compare two variants, read what was fixed and broken."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import urlencode
from msgspec import to_builtins

from analytics.charts.comparisons import interval_figure
from analytics.charts.values import changes_figure
from analytics.forms.evaluations import EvaluationsForm
from analytics.selectors.evaluations import compare_outside, outside_evaluations, outside_scores
from analytics.selectors.records import evaluation_records
from analytics.selectors.results import OUTCOMES
from analytics.services.evaluations import MOST_BYTES, evaluations_import
from analytics.views.exports import exported
from analytics.views.workers import worker_of, worker_page
from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page

PER_PAGE = 20


@needs(Capability.READ)
def evaluations_page(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = worker_of(worker_id)
    if file := exported(request, f"worker-{worker_id}-evaluations", lambda: evaluation_records(worker)):
        return file
    form = EvaluationsForm(request.POST or None, request.FILES or None)
    if request.method == "POST":
        actor_of(request).require(Capability.OPERATE)
        if form.is_valid():
            sent = form.cleaned_data["file"]
            done = form.submit(evaluations_import, worker, sent.name, sent.read(MOST_BYTES + 1), by=actor_of(request))
            if done:
                unread = f" Not read: {', '.join(done.ignored)}." if done.ignored else ""
                messages.success(request, f"{len(done.variants)} variants brought in.{unread}")
                return redirect("analytics:evaluations", worker_id)
    variants = outside_evaluations(worker)
    names = [variant.variant for variant in variants]
    before = request.GET.get("before") or (names[0] if names else "")
    after = request.GET.get("after") or (names[-1] if names else "")
    found = compare_outside(worker, before, after) if len(names) > 1 and before != after else None
    graded = found is not None and not (found.before.binary and found.after.binary)
    return worker_page(
        request, worker, "evaluations", variants=variants, before=before, after=after, found=found, form=form,
        interval=interval_figure(to_builtins(found.numbers)) if found else None,
        histogram=changes_figure(found.histogram) if found and graded else None,
    )  # fmt: skip


@needs(Capability.READ)
def evaluation_examples(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker, outcome = worker_of(worker_id), request.GET.get("outcome", "")
    found = compare_outside(worker, request.GET.get("before", ""), request.GET.get("after", ""))
    chosen = [change for change in found.changes if not outcome or change.outcome == outcome]
    shown = Paginator(chosen, PER_PAGE).get_page(request.GET.get("page"))
    keys = [change.key for change in shown]
    before, after = outside_scores(found.before, keys), outside_scores(found.after, keys)
    return page(
        request, "analytics/workers/evaluation_examples.html", title="Examples", worker=worker, found=found,
        outcome=outcome, outcomes=OUTCOMES, shown=shown,
        query="&" + urlencode({k: str(v) for k, v in request.GET.items() if k != "page"}),
        rows=[(change, before[change.key], after[change.key]) for change in shown],
    )  # fmt: skip
