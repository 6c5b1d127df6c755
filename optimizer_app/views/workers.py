"""Pages of workers."""

import json
from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page
from optimizer_app.forms.workers import FieldFormSet, ReasonForm, WorkerEditForm, WorkerForm
from optimizer_app.models import Worker
from optimizer_app.selectors.workers import worker_page
from optimizer_app.services.versions import worker_rollback
from optimizer_app.services.workers import worker_create, worker_update

NEW_INPUT = [{"name": "text", "type": "str"}]
NEW_OUTPUT = [{"name": "label", "type": "enum"}]


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
        base_url=request.build_absolute_uri("/").rstrip("/"),
    )  # fmt: skip


@needs(Capability.OPERATE)
def worker_new(request: HttpRequest) -> HttpResponse:
    wanted = request.GET.get("copy", "")
    source = Worker.objects.filter(pk=wanted).first() if wanted.isdecimal() else None
    initial, inputs, outputs = _initial(source)
    form = WorkerForm(request.POST or None, initial=initial)
    input_rows = FieldFormSet(request.POST or None, prefix="inputs", initial=inputs)
    output_rows = FieldFormSet(request.POST or None, prefix="outputs", initial=outputs)
    if request.method == "POST" and all([form.is_valid(), input_rows.is_valid(), output_rows.is_valid()]):
        cleaned = form.cleaned_data
        step = {
            "name": "answer",
            "module": cleaned["module"],
            "instructions": cleaned["instructions"],
            "inputs": input_rows.to_data(),
            "outputs": output_rows.to_data(),
        }
        worker = form.submit(
            worker_create,
            by=actor_of(request),
            name=cleaned["name"],
            description=cleaned["description"],
            program={"steps": [step]},
            language_model=cleaned["language_model"],
            metric=cleaned["metric"],
        )
        if worker:
            messages.success(request, f"{worker.name} is ready. Its baseline, version 0, is active.")
            return redirect("optimizer:worker-detail", worker.pk)
    rows = [("inputs", "Inputs", input_rows), ("outputs", "Outputs", output_rows)]
    return page(request, "optimizer_app/workers/form.html", title="New worker", form=form, rows=rows)


@needs(Capability.OPERATE)
def worker_edit(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = get_object_or_404(Worker, pk=worker_id)
    initial = {
        "name": worker.name,
        "description": worker.description,
        "language_model": worker.language_model_id,
        "metric": worker.metric_id,
    }
    form = WorkerEditForm(request.POST or None, initial=initial)
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


def _initial(source: Worker | None) -> tuple[dict[str, Any], list[dict[str, Any]], list[dict[str, Any]]]:
    if source is None:
        return {}, NEW_INPUT, NEW_OUTPUT
    step = source.spec().steps[0]
    initial = {
        "name": f"{source.name} (copy)",
        "description": source.description,
        "language_model": source.language_model_id,
        "metric": source.metric_id,
        "module": step.module,
        "instructions": step.instructions,
    }

    def rows(fields: Any) -> list[dict[str, Any]]:
        return [
            {"name": f.name, "type": f.type, "description": f.description, "options": "\n".join(f.options)}
            for f in fields
        ]

    return initial, rows(step.inputs), rows(step.outputs)
