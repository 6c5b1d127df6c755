"""How a worker is watched, with a back-test on its own past."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from analytics.forms.watching import POINTS, LevelsForm, WatchForm
from analytics.selectors.watching import LABELS, back_test, incidents, policy_of, watched
from analytics.services.watching import levels_set, watch_set
from analytics.views.workers import worker_of, worker_page
from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs

NEWEST = 10


@needs(Capability.READ)
def watch_page(request: HttpRequest, worker_id: int) -> HttpResponse:
    """POST saves, or with `try` plays the past with what the form says."""
    worker = worker_of(worker_id)
    policy = policy_of(worker)
    initial = {
        "enabled": policy.enabled, "days": policy.days,
        **{name: POINTS * drop for name, drop in policy.drops.items()},
    }  # fmt: skip
    of_levels = "levels-no_data" in request.POST
    form = WatchForm(request.POST if request.POST and not of_levels else None, initial=initial)
    levels = LevelsForm.of(policy, request.POST if of_levels else None)
    tried = None
    if request.method == "POST":
        actor_of(request).require(Capability.APPROVE)
    kept = levels.submit(levels_set, worker, by=actor_of(request), **levels.told()) if levels.is_valid() else None
    if kept:
        messages.success(request, "Saved. The levels hold from now on.")
        return redirect("analytics:watch", worker_id)
    if request.method == "POST" and form.is_valid():
        told = form.cleaned_data
        if "try" in request.POST:
            tried = back_test(worker, days=told["days"], drops=form.drops())
        elif form.submit(
            watch_set, worker, by=actor_of(request), enabled=told["enabled"], days=told["days"], drops=form.drops()
        ):
            messages.success(request, "Saved. The detectors learn from the next executions.")
            return redirect("analytics:watch", worker_id)
    return worker_page(
        request, worker, "watch", form=form, levels=levels, policy=policy, signals=watched(worker), tried=tried,
        incidents=incidents(worker)[:NEWEST], labels=LABELS,
    )  # fmt: skip
