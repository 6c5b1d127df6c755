"""Pages of datasets."""

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page
from optimizer_app.forms.datasets import DatasetForm, FreezeForm, MappingForm, UploadForm
from optimizer_app.models import Dataset, DatasetImport
from optimizer_app.selectors.datasets import label_counts
from optimizer_app.selectors.review import waiting_for
from optimizer_app.services.dataset_versions import dataset_freeze, passages_freeze
from optimizer_app.services.datasets import dataset_create
from optimizer_app.services.formats import FORMATS
from optimizer_app.services.imports import MEGABYTE, import_finish, import_start, import_table
from optimizer_app.services.teams import teams_to_give_to

PER_PAGE = 25
PREVIEW_ROWS = 8


@needs(Capability.READ)
def dataset_detail(request: HttpRequest, dataset_id: int, upload: UploadForm | None = None) -> HttpResponse:
    dataset = get_object_or_404(Dataset, pk=dataset_id)
    examples = Paginator(dataset.live(), PER_PAGE).get_page(request.GET.get("page"))
    return page(
        request, "optimizer_app/datasets/detail.html", title=dataset.name, dataset=dataset, examples=examples,
        labels=label_counts(dataset), versions=dataset.versions.all(), imports=dataset.imports.all()[:5],
        upload=upload or UploadForm(), formats=FORMATS, left_out=dataset.examples.filter(retired=True).count(),
        waiting=waiting_for([dataset]), to_give_to=teams_to_give_to(actor_of(request)),
    )  # fmt: skip


@needs(Capability.OPERATE)
def dataset_new(request: HttpRequest) -> HttpResponse:
    passages = request.GET.get("kind") == "passages"
    form = DatasetForm(request.POST or None, initial={"worker": "" if passages else request.GET.get("worker")})
    if form.is_valid():
        dataset = form.submit(dataset_create, by=actor_of(request), **form.cleaned_data)
        if dataset:
            return redirect("optimizer:dataset-detail", dataset.pk)
    return page(request, "optimizer_app/datasets/form.html", title="New dataset", form=form)


@require_POST
@needs(Capability.OPERATE)
def dataset_upload(request: HttpRequest, dataset_id: int) -> HttpResponse:
    dataset = get_object_or_404(Dataset, pk=dataset_id)
    form = UploadForm(request.POST, request.FILES)
    if form.is_valid():
        file = form.cleaned_data["file"]
        # One byte more than allowed is enough to know that it is too large.
        raw = file.read(settings.MAX_UPLOAD_MB * MEGABYTE + 1)
        started = form.submit(import_start, dataset, by=actor_of(request), file_name=file.name, raw=raw)
        if started:
            return redirect("optimizer:import-map", started.pk)
    return dataset_detail(request, dataset_id, upload=form)


@needs(Capability.OPERATE)
def import_map(request: HttpRequest, import_id: int) -> HttpResponse:
    started = get_object_or_404(DatasetImport.objects.select_related("dataset"), pk=import_id)
    if started.status == DatasetImport.Status.DONE:
        return page(request, "optimizer_app/datasets/imported.html", title=started.file_name, started=started)
    if started.status != DatasetImport.Status.MAPPING:
        return page(request, "optimizer_app/datasets/importing.html", title=started.file_name, started=started)
    form = MappingForm(started.dataset, started.columns, request.POST or None)
    if form.is_valid():
        skip = form.cleaned_data.get("skip_other_values", False)
        form.submit(import_finish, started, by=actor_of(request), mapping=form.mapping(), skip_other_values=skip)
        if not form.errors:
            return redirect("optimizer:import-map", started.pk)
    preview = import_table(started).rows[:PREVIEW_ROWS]
    rows = [(number, [cells.get(column, "") for column in started.columns]) for number, cells in preview]
    return page(
        request, "optimizer_app/datasets/map.html", title=f"Import {started.file_name}", started=started, form=form,
        rows=rows,
    )  # fmt: skip


@needs(Capability.OPERATE)
def dataset_freeze_page(request: HttpRequest, dataset_id: int) -> HttpResponse:
    dataset = get_object_or_404(Dataset, pk=dataset_id)
    if dataset.holds_passages and request.method == "POST":
        frozen = passages_freeze(dataset, by=actor_of(request))
        messages.success(request, f"{frozen} is frozen: retrieval steps can search it.")
        return redirect("optimizer:dataset-detail", dataset.pk)
    form = FreezeForm(dataset, request.POST or None)
    if form.is_valid():
        version = form.submit(
            dataset_freeze,
            dataset,
            by=actor_of(request),
            shares=form.shares(),
            stratify_by=form.cleaned_data["stratify_by"],
            seed=form.cleaned_data["seed"],
            at_most=form.cleaned_data["at_most"],
            group_by=form.cleaned_data["group_by"],
        )
        if version:
            messages.success(request, f"{version} is frozen: it never changes, and its test examples stay sealed.")
            return redirect("optimizer:dataset-detail", dataset.pk)
    return page(
        request, "optimizer_app/datasets/freeze.html", title=f"Freeze {dataset.name}", dataset=dataset, form=form,
        labels=label_counts(dataset), total=dataset.live().count(),
    )  # fmt: skip
