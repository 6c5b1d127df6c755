"""Candidates of a run: what they say, their test, and the winner taken apart."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_POST

from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.pages import needs, page
from optimizer_app.models import Candidate, Run, Split
from optimizer_app.selectors.candidates import candidate_page
from optimizer_app.services.follow_ups import ablation_start, candidate_test


@needs(Capability.READ)
def candidate_detail(request: HttpRequest, run_id: int, number: int) -> HttpResponse:
    shown = candidate_page(_candidate(run_id, number))
    run = shown.candidate.run
    counts = run.dataset_version.counts
    return page(
        request, "optimizer_app/runs/candidate.html", title=f"Candidate {number} of {run}", shown=shown, run=run,
        candidate=shown.candidate, is_winner=bool(run.winner and run.winner.fingerprint == shown.candidate.fingerprint),
        is_baseline=run.baseline.fingerprint == shown.candidate.fingerprint,
        test_calls=counts[Split.VALIDATION] + counts[Split.TEST],
    )  # fmt: skip


@require_POST
@needs(Capability.OPERATE)
def candidate_test_now(request: HttpRequest, run_id: int, number: int) -> HttpResponse:
    candidate_test(_candidate(run_id, number), by=actor_of(request))
    messages.info(request, "Queued: the candidate is scored on validation and on the sealed test split.")
    return redirect("optimizer:candidate-detail", run_id, number)


@require_POST
@needs(Capability.OPERATE)
def ablation_now(request: HttpRequest, run_id: int) -> HttpResponse:
    run = get_object_or_404(Run.objects.select_related("winner", "baseline", "dataset_version"), pk=run_id)
    ablation_start(run, by=actor_of(request))
    messages.info(request, "Queued: each change of the winner is taken back alone and scored on validation.")
    return redirect("optimizer:run-detail", run_id)


def _candidate(run_id: int, number: int) -> Candidate:
    related = ("run__worker", "run__baseline", "run__winner", "run__dataset_version", "run__language_model")
    return get_object_or_404(Candidate.objects.select_related(*related), run_id=run_id, number=number)
