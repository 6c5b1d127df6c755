"""When a worker is optimized by itself, and every decision about it."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils import timezone

from analytics.forms.triggers import TriggerForm
from analytics.models import TriggerDecision, TriggerPolicy
from analytics.selectors.triggers import asked_by_code
from analytics.services.trigger_policies import triggers_set
from analytics.views.workers import worker_of, worker_page
from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs

PER_PAGE = 30


@needs(Capability.READ)
def triggers_page(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = worker_of(worker_id)
    policy = TriggerPolicy.objects.filter(worker=worker).first() or asked_by_code(worker)
    form = TriggerForm.of(policy, request.POST or None)
    if request.method == "POST":
        actor_of(request).require(Capability.APPROVE)
        saved = form.submit(triggers_set, worker, by=actor_of(request), **form.told()) if form.is_valid() else None
        if saved:
            messages.success(request, "Saved. Every decision shows below.")
            return redirect("analytics:triggers", worker_id)
    decisions = TriggerDecision.objects.filter(worker=worker).select_related("run")
    found = Paginator(decisions, PER_PAGE).get_page(request.GET.get("page"))
    return worker_page(
        request, worker, "triggers", policy=policy, form=form, found=found, query="",
        asked=worker.optimization.get("trigger", "manual"), zone=timezone.get_current_timezone_name(),
    )  # fmt: skip
