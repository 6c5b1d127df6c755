"""Pages of executions: the list, one of them, what people say about it."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.http import urlencode
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page
from optimizer_app.forms.executions import ExecutionFilterForm, OutputsForm, VerdictForm
from optimizer_app.models import Dataset, Execution
from optimizer_app.selectors.datasets import datasets_for
from optimizer_app.selectors.executions import ExecutionFilter, ExecutionPage, execution_feedback, page_of
from optimizer_app.services.feedback import execution_correct
from optimizer_app.services.review import item_from_execution

MORE = ("version", "error_kind", "path", "score_from", "score_to", "since", "until", "tag", "trace_id", "id", "text")


@needs(Capability.READ)
def execution_list(request: HttpRequest) -> HttpResponse:
    form = ExecutionFilterForm(request.GET)
    form.is_valid()  # fields with errors say so, and the rest filters
    empty = ExecutionPage([], "")
    found = page_of(form.wanted(), request.GET.get("after", "")) if not form.errors else empty
    asked = {name: str(value) for name, value in request.GET.items() if value and name != "after"}
    return page(
        request, "optimizer_app/executions/list.html", title="Executions", form=form, found=found,
        filtered=form.wanted() != ExecutionFilter(), more=any(asked.get(name) for name in MORE),
        older=urlencode(asked | {"after": found.older}), first=urlencode(asked), paged="after" in request.GET,
    )  # fmt: skip


@needs(Capability.READ)
def execution_detail(
    request: HttpRequest, uid: UUID, verdict: VerdictForm | None = None, answer: OutputsForm | None = None
) -> HttpResponse:
    execution = get_object_or_404(Execution.objects.select_related("worker", "version"), uid=uid)
    body, fields = execution.content, execution.worker.spec().outputs
    return page(
        request, "optimizer_app/executions/detail.html", title=str(execution), execution=execution, body=body,
        feedback=execution_feedback(execution), datasets=datasets_for(execution.worker),
        verdict=verdict or VerdictForm(), answer=answer or OutputsForm(fields, body.outputs),
    )  # fmt: skip


@require_POST
@needs(Capability.OPERATE)
def execution_verdict(request: HttpRequest, uid: UUID) -> HttpResponse:
    execution = get_object_or_404(Execution.objects.select_related("worker", "version"), uid=uid)
    verdict = VerdictForm(request.POST)
    answer = OutputsForm(execution.worker.spec().outputs, execution.content.outputs, request.POST)
    if verdict.is_valid() and answer.is_valid():
        given = verdict.cleaned_data
        corrected = answer.outputs() if given["correct"] else None
        said = verdict.submit(
            execution_correct, execution, by=actor_of(request), corrected=corrected, score=given["score"],
            comment=given["comment"],
        )  # fmt: skip
        if said:
            messages.success(request, "Noted. The worker's rules have judged the execution again.")
            return redirect("optimizer:execution-detail", uid)
    return execution_detail(request, uid, verdict, answer)


@require_POST
@needs(Capability.OPERATE)
def execution_review(request: HttpRequest, uid: UUID) -> HttpResponse:
    execution = get_object_or_404(Execution.objects.select_related("worker", "version"), uid=uid)
    dataset = get_object_or_404(Dataset, pk=request.POST.get("dataset") or 0)
    item_from_execution(execution, dataset, by=actor_of(request))
    messages.success(request, f"It waits in the review of {dataset.name}.")
    return redirect("optimizer:execution-detail", uid)
