"""Pages of workers."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page
from optimizer_app.forms.programs import ProgramForm
from optimizer_app.forms.workers import ReasonForm, WorkerForm
from optimizer_app.models import Worker
from optimizer_app.selectors.workers import worker_page
from optimizer_app.services.teams import teams_to_give_to
from optimizer_app.services.versions import worker_rollback, worker_two_people
from optimizer_app.services.workers import worker_create, worker_update


@needs(Capability.READ)
def worker_detail(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = get_object_or_404(
        Worker.objects.select_related("language_model", "metric", "active_version"), pk=worker_id
    )
    shown = worker_page(worker)
    sample = {field.name: "…" for field in worker.spec().inputs}
    body = json.dumps({"inputs": sample}, ensure_ascii=False)
    return page(
        request, "optimizer_app/workers/detail.html", title=worker.name, shown=shown, worker=worker, sample_body=body,
        program=worker.spec(), base_url=request.build_absolute_uri("/").rstrip("/"),
        to_give_to=teams_to_give_to(actor_of(request)),
    )  # fmt: skip


@needs(Capability.OPERATE)
def worker_new(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("copy", "")
    source = Worker.objects.filter(pk=wanted).first() if wanted.isdecimal() else None
    form = WorkerForm(request.POST or None, initial=_initial(source, " (copy)") if source else None)
    program = ProgramForm(request.POST or None, source.spec() if source and not source.spec().code else None)
    if request.method == "POST" and all([form.is_valid(), program.is_valid()]):
        worker = form.submit(worker_create, by=actor_of(request), program=program.to_data(), **form.cleaned_data)
        if worker:
            messages.success(request, f"{worker.name} is ready. Its baseline, version 0, is active.")
            return redirect("optimizer:worker-detail", worker.pk)
    return page(request, "optimizer_app/workers/form.html", title="New worker", form=form, program=program)


@needs(Capability.OPERATE)
def worker_edit(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = get_object_or_404(Worker, pk=worker_id)
    form = WorkerForm(request.POST or None, initial=_initial(worker))
    if form.is_valid():
        form.submit(worker_update, worker, by=actor_of(request), **form.cleaned_data)
        if form.is_valid():
            messages.success(request, "Saved.")
            return redirect("optimizer:worker-detail", worker.pk)
    return page(request, "optimizer_app/workers/edit.html", title=f"Edit {worker.name}", form=form, worker=worker)


@require_POST
@needs(Capability.APPROVE)
def worker_roll_back(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = get_object_or_404(Worker, pk=worker_id)
    form = ReasonForm(request.POST)
    reason = form.cleaned_data["reason"] if form.is_valid() else ""
    promotion = worker_rollback(worker, by=actor_of(request), reason=reason)
    messages.success(request, f"Rolled back: {promotion.version} answers calls again.")
    return redirect("optimizer:worker-detail", worker.pk)


@require_POST
@needs(Capability.APPROVE)
def worker_ask_two_people(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = get_object_or_404(Worker, pk=worker_id)
    worker_two_people(worker, by=actor_of(request), wanted=request.POST.get("wanted") == "yes")
    return redirect("optimizer:worker-detail", worker.pk)


def _initial(worker: Worker, suffix: str = "") -> dict[str, Any]:
    return {
        "name": f"{worker.name}{suffix}",
        "description": worker.description,
        "language_model": worker.language_model_id,
        "metric": worker.metric_id,
        "latency_need_ms": worker.latency_need_ms,
    }
