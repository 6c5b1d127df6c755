"""A version on trial beside the active one: both sides live, and the end."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from analytics.forms.canaries import CanaryForm, EndForm
from analytics.selectors.canaries import trial_of
from analytics.views.workers import worker_of, worker_page
from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import fragment, needs
from optimizer_app.models import Canary, Worker
from optimizer_app.services.canaries import canary_end, canary_start

NEWEST = 20
UNCHANGED = 204


@needs(Capability.READ)
def canary_page(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = worker_of(worker_id)
    form = CanaryForm(worker, request.POST or None)
    if request.method == "POST":
        actor_of(request).require(Capability.APPROVE)
    if form.is_valid():
        version = form.cleaned_data["version"]
        if form.submit(canary_start, version, by=actor_of(request), **form.told()):
            messages.success(request, f"{version} answers a part of the calls from now on.")
            return redirect("analytics:canary", worker_id)
    rows = worker.canaries.select_related("version__worker", "against__worker").defer(
        "version__state", "against__state"
    )
    found = list(rows[:NEWEST])
    running = next((canary for canary in found if canary.status == Canary.Status.RUNNING), None)
    return worker_page(
        request, worker, "canary", form=form, end=EndForm(), live=trial_of(running) if running else None,
        past=[canary for canary in found if canary is not running],
    )  # fmt: skip


@needs(Capability.READ)
def canary_live(request: HttpRequest, worker_id: int, canary_id: int) -> HttpResponse:
    """The numbers of both sides; 204 while nothing changed."""
    worker = get_object_or_404(Worker, pk=worker_id)
    canary = get_object_or_404(worker.canaries.select_related("version__worker", "against__worker"), pk=canary_id)
    live = trial_of(canary)
    if request.GET.get("seen") == live.mark:
        return HttpResponse(status=UNCHANGED)
    return fragment(request, "analytics/workers/_canary.html", live=live, worker=worker)


@require_POST
@needs(Capability.APPROVE)
def canary_over(request: HttpRequest, worker_id: int, canary_id: int) -> HttpResponse:
    canary = get_object_or_404(Canary.objects.select_related("version__worker"), pk=canary_id, worker=worker_id)
    form = EndForm(request.POST)
    if form.is_valid():
        told = form.cleaned_data
        status = Canary.Status.PROMOTED if told["promote"] else Canary.Status.STOPPED
        canary_end(canary, by=actor_of(request), status=status, why=told["why"])
        messages.success(request, f"{canary} has ended.")
    return redirect("analytics:canary", worker_id)
