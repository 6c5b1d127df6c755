"""Pages of frozen dataset versions, exports, and the quality report."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET, require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page
from optimizer_app.forms.datasets import ForkForm
from optimizer_app.models import Dataset, DatasetVersion, QualityReport
from optimizer_app.selectors.datasets import version_usage
from optimizer_app.services.dataset_history import version_difference, version_fork, version_restore
from optimizer_app.services.formats import FORMATS, export
from optimizer_app.services.quality import examples_of, findings_of, quality_ask


@needs(Capability.READ)
def dataset_version_detail(request: HttpRequest, dataset_version_id: int, fork: ForkForm | None = None) -> HttpResponse:
    version = get_object_or_404(DatasetVersion.objects.select_related("dataset"), pk=dataset_version_id)
    others = version.dataset.versions.exclude(pk=version.pk)
    chosen = others.filter(pk=int(wanted)).first() if (wanted := request.GET.get("with", "")).isdigit() else None
    before = chosen or others.filter(number__lt=version.number).first()
    return page(
        request, "optimizer_app/datasets/version.html", title=str(version), version=version, others=others,
        before=before, difference=version_difference(before, version) if before else None,
        usage=version_usage(version), fork=fork or ForkForm(), formats=FORMATS,
        erased=version.members.exclude(example__erased_at=None).count(),
    )  # fmt: skip


@require_POST
@needs(Capability.OPERATE)
def dataset_version_fork(request: HttpRequest, dataset_version_id: int) -> HttpResponse:
    version = get_object_or_404(DatasetVersion.objects.select_related("dataset"), pk=dataset_version_id)
    form = ForkForm(request.POST)
    made = form.submit(version_fork, version, by=actor_of(request), **form.cleaned_data) if form.is_valid() else None
    if made is not None:
        messages.success(request, f"{made.name} begins as {version}.")
        return redirect("optimizer:dataset-detail", made.pk)
    return dataset_version_detail(request, dataset_version_id, fork=form)


@require_POST
@needs(Capability.OPERATE)
def dataset_version_restore(request: HttpRequest, dataset_version_id: int) -> HttpResponse:
    version = get_object_or_404(DatasetVersion.objects.select_related("dataset"), pk=dataset_version_id)
    out = version_restore(version, by=actor_of(request))
    messages.success(request, f"New versions are made of {version} again; {out} other examples are left out.")
    return redirect("optimizer:dataset-detail", version.dataset_id)


@require_GET
@needs(Capability.READ)
def dataset_export(request: HttpRequest, dataset_id: int, kind: str) -> HttpResponse:
    return _download(get_object_or_404(Dataset, pk=dataset_id), kind)


@require_GET
@needs(Capability.READ)
def dataset_version_export(request: HttpRequest, dataset_version_id: int, kind: str) -> HttpResponse:
    return _download(get_object_or_404(DatasetVersion.objects.select_related("dataset"), pk=dataset_version_id), kind)


@needs(Capability.READ)
def dataset_quality(request: HttpRequest, dataset_id: int) -> HttpResponse:
    dataset = get_object_or_404(Dataset, pk=dataset_id)
    if request.method == "POST":
        quality_ask(dataset, by=actor_of(request))
        return redirect("optimizer:dataset-quality", dataset_id)
    report = QualityReport.objects.filter(dataset=dataset).first()
    done = report is not None and report.status == QualityReport.Status.DONE
    findings = [(finding, examples_of(finding)) for finding in findings_of(report)] if report and done else []
    return page(
        request, "optimizer_app/datasets/quality.html", title=f"Quality of {dataset.name}", dataset=dataset,
        report=report, findings=findings,
    )  # fmt: skip


def _download(source: Dataset | DatasetVersion, kind: str) -> HttpResponse:
    name, content = export(source, kind)
    response = HttpResponse(content, content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response
