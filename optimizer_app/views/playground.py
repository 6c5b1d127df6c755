"""Try a version beside the baseline."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page
from optimizer_app.forms.workers import InputsForm
from optimizer_app.models import ProgramVersion, Worker
from optimizer_app.services.serving import predict


@needs(Capability.PREDICT)
def playground(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = get_object_or_404(Worker.objects.select_related("active_version", "language_model"), pk=worker_id)
    fields = [(field.name, field.description) for field in worker.spec().inputs]
    form = InputsForm(fields, request.POST or None)
    versions = list(worker.versions.all())
    chosen = _chosen(versions, request.POST.get("version") or request.GET.get("version"), worker)
    baseline = versions[-1]
    compared = [baseline] if chosen == baseline else [baseline, chosen]
    answers = []
    if form.is_valid():
        for version in compared:
            served = form.submit(predict, worker, by=actor_of(request), inputs=form.cleaned_data, version=version)
            if served:
                answers.append((version, served))
    return page(
        request, "optimizer_app/workers/playground.html", title=f"Try {worker.name}", worker=worker, form=form,
        versions=versions, chosen=chosen, answers=answers, outputs=worker.spec().outputs,
    )  # fmt: skip


def _chosen(versions: list[ProgramVersion], wanted: str | None, worker: Worker) -> ProgramVersion:
    by_id = {str(version.pk): version for version in versions}
    return by_id.get(wanted or "", worker.active_version or versions[-1])
