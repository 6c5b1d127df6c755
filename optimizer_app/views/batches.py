"""Pages of batches and comparison matrices."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import fragment, needs, page
from optimizer_app.forms.runs import MatrixForm, WorkersBatchForm
from optimizer_app.models import Batch, Worker
from optimizer_app.selectors.batches import batch_page
from optimizer_app.selectors.datasets import dataset_versions_for
from optimizer_app.services.batches import Order, batch_create, batch_stop, matrix_create


@needs(Capability.READ)
def batch_detail(request: HttpRequest, batch_id: int) -> HttpResponse:
    """The whole page, or for htmx the part that changes while runs are under way."""
    shown = batch_page(get_object_or_404(Batch, pk=batch_id))
    if request.headers.get("HX-Request"):
        response = fragment(request, "optimizer_app/batches/_batch.html", shown=shown)
        if shown.ended == len(shown.runs):
            response["HX-Refresh"] = "true"
        return response
    return page(request, "optimizer_app/batches/detail.html", title=shown.batch.name, shown=shown, batch=shown.batch)


@needs(Capability.OPERATE)
def batch_new(request: HttpRequest) -> HttpResponse:
    form = WorkersBatchForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        orders, missing = [], []
        for worker in form.cleaned_data["workers"]:
            version = dataset_versions_for(worker).first()
            if version is None:
                missing.append(worker.name)
            else:
                orders.append(Order(worker, version, form.cleaned_data["optimizer"], {}))
        if missing:
            form.add_error("workers", f"No frozen dataset version fits {', '.join(missing)}. Freeze one, or leave out.")
        else:
            batch = form.submit(
                batch_create, by=actor_of(request), orders=orders, budget=form.budget(), kind=Batch.Kind.BATCH,
                **{name: form.cleaned_data[name] for name in ("name", "at_once", "seed")},
            )  # fmt: skip
            if batch:
                return redirect("optimizer:batch-detail", batch.pk)
    return page(request, "optimizer_app/batches/form.html", title="New batch", form=form, fields=_FIELDS["batch"])


@needs(Capability.OPERATE)
def matrix_new(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = get_object_or_404(Worker.objects.select_related("language_model", "metric"), pk=worker_id)
    form = MatrixForm(worker, request.POST or None)
    if request.method == "POST" and form.is_valid():
        names = ("name", "dataset_version", "models", "optimizers", "at_once", "seed")
        values = {name: form.cleaned_data[name] for name in names} | {"models": list(form.cleaned_data["models"])}
        batch = form.submit(matrix_create, by=actor_of(request), worker=worker, budget=form.budget(), **values)
        if batch:
            return redirect("optimizer:batch-detail", batch.pk)
    return page(
        request, "optimizer_app/batches/form.html", title=f"Compare models and optimizers: {worker.name}", form=form,
        worker=worker, fields=_FIELDS["matrix"],
    )  # fmt: skip


@require_POST
@needs(Capability.OPERATE)
def batch_stop_now(request: HttpRequest, batch_id: int) -> HttpResponse:
    batch = get_object_or_404(Batch, pk=batch_id)
    stopped = batch_stop(batch, by=actor_of(request))
    messages.info(request, f"{stopped} runs are stopping or stopped.")
    return redirect("optimizer:batch-detail", batch_id)


_FIELDS = {
    "batch": ["name", "workers", "optimizer", "seed", "at_once"],
    "matrix": ["name", "dataset_version", "models", "optimizers", "seed", "at_once"],
}
