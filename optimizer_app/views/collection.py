"""What is collected of a worker: privacy, retention, rules, erasure."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page
from optimizer_app.forms.executions import ErasureForm, PrivacyForm, RetentionForm, RuleForm, SampleForm
from optimizer_app.models import CollectionRule, Worker
from optimizer_app.privacy.detection import PatternTooSlowError
from optimizer_app.privacy.redaction import Redactor
from optimizer_app.selectors.review import rules_of
from optimizer_app.services.retention import erase
from optimizer_app.services.rules import rule_apply_to_past, rule_create, rule_switch
from optimizer_app.services.workers import privacy_policy, worker_set_privacy, worker_set_retention


@needs(Capability.READ)
def collection(
    request: HttpRequest, worker_id: int, rule: RuleForm | None = None, retention: RetentionForm | None = None
) -> HttpResponse:
    worker = get_object_or_404(Worker, pk=worker_id)
    kept = {"days": worker.retention_days, "count": worker.retention_count}
    return page(
        request, "optimizer_app/collection/detail.html", title=f"Collection of {worker.name}", worker=worker,
        rules=rules_of(worker), rule=rule or RuleForm(worker), retention=retention or RetentionForm(initial=kept),
        policy=privacy_policy(worker),
    )  # fmt: skip


@require_POST
@needs(Capability.OPERATE)
def rule_new(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = get_object_or_404(Worker, pk=worker_id)
    form = RuleForm(worker, request.POST)
    made = form.submit(rule_create, worker, by=actor_of(request), **form.cleaned_data) if form.is_valid() else None
    if made is not None:
        messages.success(request, "The rule judges every execution from now on.")
        return redirect("optimizer:collection", worker_id)
    return collection(request, worker_id, rule=form)


@require_POST
@needs(Capability.OPERATE)
def rule_change(request: HttpRequest, rule_id: int) -> HttpResponse:
    """Switch a rule on or off, or apply it to what is there."""
    rule = get_object_or_404(CollectionRule.objects.select_related("worker"), pk=rule_id)
    if request.POST.get("do") == "past":
        picked = rule_apply_to_past(rule, by=actor_of(request))
        messages.success(request, f"{picked} of the newest executions were picked.")
    else:
        rule_switch(rule, by=actor_of(request), enabled=request.POST.get("do") == "on")
    return redirect("optimizer:collection", rule.worker_id)


@require_POST
@needs(Capability.APPROVE)
def retention_set(request: HttpRequest, worker_id: int) -> HttpResponse:
    worker = get_object_or_404(Worker, pk=worker_id)
    form = RetentionForm(request.POST)
    if form.is_valid():
        worker_set_retention(worker, by=actor_of(request), **form.cleaned_data)
        messages.success(request, "Retention is set. What is past the limit goes within the hour.")
        return redirect("optimizer:collection", worker_id)
    return collection(request, worker_id, retention=form)


@needs(Capability.APPROVE)
def privacy(request: HttpRequest, worker_id: int) -> HttpResponse:
    """The policy, and what it makes of a sample."""
    worker = get_object_or_404(Worker, pk=worker_id)
    trying = request.method == "POST" and "sample" in request.POST
    form = PrivacyForm(worker, request.POST if request.method == "POST" and not trying else None)
    if form.is_valid() and not form.errors:
        form.submit(worker_set_privacy, worker, by=actor_of(request), policy=form.policy())
        if not form.errors:
            messages.success(request, "The policy holds for executions that arrive from now on.")
            return redirect("optimizer:collection", worker_id)
    sample = SampleForm(request.POST if trying else None)
    shown = []
    if trying and sample.is_valid():
        try:
            shown = Redactor(privacy_policy(worker)).parts(sample.cleaned_data["sample"])
        except PatternTooSlowError as slow:
            sample.add_error("sample", str(slow))
    return page(
        request, "optimizer_app/collection/privacy.html", title=f"Privacy of {worker.name}", worker=worker, form=form,
        sample=sample, shown=shown,
    )  # fmt: skip


@needs(Capability.ADMIN)
def erasure(request: HttpRequest) -> HttpResponse:
    """Erase what is known about a person, or one execution."""
    form = ErasureForm(request.POST or None)
    done = None
    if form.is_valid():
        asked = form.cleaned_data
        done = form.submit(erase, by=actor_of(request), subject=asked["subject"], execution_uid=asked["execution"])
    return page(request, "optimizer_app/collection/erasure.html", title="Erase personal data", form=form, done=done)
