"""Watch a run, stop it, let it rest."""

from collections.abc import Callable

from django.contrib import messages
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Actor, Capability, actor_of
from optimizer_app.common.pages import View, fragment, needs, page
from optimizer_app.models import Run
from optimizer_app.selectors.runs import quote_lines, run_progress
from optimizer_app.services.follow_ups import ablation_calls
from optimizer_app.services.runs import run_pause, run_resume, run_stop

UNCHANGED = 204
KEPT_S = 10  # one rendering serves all who watch the same revision


@needs(Capability.READ)
def run_detail(request: HttpRequest, run_id: int) -> HttpResponse:
    run = _run(run_id)
    ablation = run.follow_ups.filter(kind="ablation").order_by("-id").first()
    return page(
        request, "optimizer_app/runs/detail.html", title=f"{run}: {run.worker.name}", run=run, live=run_progress(run),
        quote=quote_lines(run), ablation=ablation, ablation_calls=ablation_calls(run) if run.winner else 0,
    )  # fmt: skip


@needs(Capability.READ)
def run_live(request: HttpRequest, run_id: int) -> HttpResponse:
    """The live part; 204 while the revision that the page shows is still the newest: one indexed read."""
    seen = request.GET.get("seen", "")
    newest = Run.objects.values_list("revision", flat=True).filter(pk=run_id).first()
    if newest is not None and seen == str(newest):
        return HttpResponse(status=UNCHANGED)
    key = f"run-live-{run_id}-{newest}"
    kept = cache.get(key)
    if kept is None:
        run = _run(run_id)
        shown = fragment(request, "optimizer_app/runs/_live.html", run=run, live=run_progress(run))
        resting = run.ended or run.status == Run.Status.PAUSED
        kept = (shown.content, resting)
        cache.set(key, kept, KEPT_S)
    response = HttpResponse(kept[0])
    if kept[1]:
        response["HX-Refresh"] = "true"
    return response


def _changed_by(change: Callable[..., None], said: str) -> View[[int]]:
    @require_POST
    @needs(Capability.OPERATE)
    def view(request: HttpRequest, run_id: int) -> HttpResponse:
        run = get_object_or_404(Run, pk=run_id)
        actor: Actor = actor_of(request)
        change(run, by=actor)
        messages.info(request, said)
        return redirect("optimizer:run-detail", run.pk)

    return view


run_stop_now = _changed_by(run_stop, "Stopping: no further language model call begins.")
run_pause_now = _changed_by(run_pause, "Pausing: no further call begins, and what was paid for is kept.")
run_resume_now = _changed_by(run_resume, "Queued again: it goes on where it was.")


def _run(run_id: int) -> Run:
    related = (
        "worker", "dataset_version__dataset", "language_model", "proposer", "teacher", "metric", "winner", "baseline",
        "comparison", "batch",
    )  # fmt: skip
    return get_object_or_404(Run.objects.select_related(*related), pk=run_id)
