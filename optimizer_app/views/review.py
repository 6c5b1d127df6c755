"""The review queue of a dataset: one item after the other, by keyboard, or many at once."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page
from optimizer_app.common.problems import Refused
from optimizer_app.forms.executions import OutputsForm, SuggestForm
from optimizer_app.models import Dataset, LanguageModel, ReviewItem
from optimizer_app.selectors.review import queue_of
from optimizer_app.services.review import (
    item_approve,
    item_reject,
    items_decide,
    suggestions_ask,
    two_people_set,
)

SHOWN = 25


@needs(Capability.READ)
def review_queue(request: HttpRequest, dataset_id: int, form: OutputsForm | None = None) -> HttpResponse:
    dataset = get_object_or_404(Dataset, pk=dataset_id)
    actor = actor_of(request)
    queue = queue_of(dataset, for_person=actor.name, start=request.GET.get("item"))
    item = queue.items[0] if queue.items else None
    fields = dataset.output_fields()
    if item is not None:
        form = form or OutputsForm(fields, item.outputs)
    return page(
        request, "optimizer_app/review/queue.html", title=f"Review {dataset.name}", dataset=dataset, queue=queue,
        item=item, form=form, rest=queue.items[1:SHOWN], suggest=SuggestForm(),
        labels=fields[0].options if len(fields) == 1 and fields[0].type == "enum" else (),
        sure=_agreement(item),
    )  # fmt: skip


@require_POST
@needs(Capability.OPERATE)
def review_decide(request: HttpRequest, item_id: int) -> HttpResponse:
    """Approve, approve with another answer, or reject; then the next one."""
    item = get_object_or_404(ReviewItem.objects.select_related("dataset"), pk=item_id)
    actor = actor_of(request)
    try:
        if request.POST.get("decision") == "reject":
            item_reject(item, by=actor)
        else:
            form = OutputsForm(item.dataset.output_fields(), item.outputs, request.POST)
            form.full_clean()
            outputs = form.outputs()
            if label := request.POST.get("label"):
                outputs = {item.dataset.output_fields()[0].name: label}
            if not item_approve(item, by=actor, outputs=outputs):
                messages.info(request, "Approved once. It waits for a second person.")
    except Refused as refused:
        messages.error(request, str(refused))
        return redirect(f"{_queue_url(item.dataset_id)}?item={item.pk}")
    return redirect("optimizer:review-queue", item.dataset_id)


@require_POST
@needs(Capability.OPERATE)
def review_bulk(request: HttpRequest, dataset_id: int) -> HttpResponse:
    dataset = get_object_or_404(Dataset, pk=dataset_id)
    ids = [int(value) for value in request.POST.getlist("item") if value.isdigit()]
    approve = request.POST.get("decision") != "reject"
    done, problems = items_decide(dataset, ids, by=actor_of(request), approve=approve)
    messages.success(request, f"{done} {'approved' if approve else 'rejected'}.")
    for text in problems[:5]:
        messages.error(request, text)
    return redirect("optimizer:review-queue", dataset_id)


@require_POST
@needs(Capability.OPERATE)
def review_suggest(request: HttpRequest, dataset_id: int) -> HttpResponse:
    dataset = get_object_or_404(Dataset, pk=dataset_id)
    model = get_object_or_404(LanguageModel, pk=request.POST.get("model") or 0)
    asked = suggestions_ask(dataset, model, by=actor_of(request))
    messages.success(request, f"{model.name} is asked about {asked} items. Its answers appear here, marked as its own.")
    return redirect("optimizer:review-queue", dataset_id)


@require_POST
@needs(Capability.APPROVE)
def review_two_people(request: HttpRequest, dataset_id: int) -> HttpResponse:
    dataset = get_object_or_404(Dataset, pk=dataset_id)
    two_people_set(dataset, by=actor_of(request), wanted=request.POST.get("wanted") == "yes")
    return redirect("optimizer:review-queue", dataset_id)


def _queue_url(dataset_id: int) -> str:
    return reverse("optimizer:review-queue", args=[dataset_id])


def _agreement(item: ReviewItem | None) -> bool:
    return item is not None and item.suggestion is not None and item.suggestion == item.outputs
