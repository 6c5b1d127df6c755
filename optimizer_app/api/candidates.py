"""Candidates of a run, and work after a run."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from ninja import Router, Schema, Status
from ninja.pagination import paginate

from optimizer_app.common.access import Capability
from optimizer_app.common.ninja import caller
from optimizer_app.models import Candidate, FollowUp, Run
from optimizer_app.services.follow_ups import ablation_start, candidate_test

router = Router(tags=["candidates"])


class CandidateOut(Schema):
    number: int
    fingerprint: str
    full_score: float | None
    full_examples: int | None
    minibatch_score: float | None
    minibatch_examples: int | None
    parents: list[int]
    calls: int
    cost_usd: float | None


class CandidateDetail(CandidateOut):
    state: dict[str, Any]


class FollowUpOut(Schema):
    id: int
    kind: str
    status: str
    message: str
    quoted_calls: int
    version_id: int | None
    result: dict[str, Any]
    usage: dict[str, Any]


@router.get(
    "/{run_id}/candidates", response=list[CandidateOut], operation_id="candidates_list", summary="List candidates"
)
@paginate
def candidates_list(request: HttpRequest, run_id: int) -> QuerySet[Candidate]:
    caller(request).require(Capability.READ)
    return get_object_or_404(Run, pk=run_id).candidates.defer("state")


@router.get(
    "/{run_id}/candidates/{number}",
    response=CandidateDetail,
    operation_id="candidates_read",
    summary="Read a candidate",
)
def candidates_read(request: HttpRequest, run_id: int, number: int) -> Candidate:
    caller(request).require(Capability.READ)
    return get_object_or_404(Candidate, run_id=run_id, number=number)


@router.post(
    "/{run_id}/candidates/{number}/test",
    response={202: FollowUpOut},
    operation_id="candidates_test",
    summary="Test a candidate on the sealed split and make it a version",
)
def candidates_test(request: HttpRequest, run_id: int, number: int) -> Status[FollowUp]:
    candidate = get_object_or_404(Candidate.objects.select_related("run__winner"), run_id=run_id, number=number)
    return Status(202, candidate_test(candidate, by=caller(request)))


@router.post(
    "/{run_id}/ablation", response={202: FollowUpOut}, operation_id="runs_ablate", summary="Take the winner apart"
)
def runs_ablate(request: HttpRequest, run_id: int) -> Status[FollowUp]:
    run = get_object_or_404(Run.objects.select_related("winner", "baseline", "dataset_version"), pk=run_id)
    return Status(202, ablation_start(run, by=caller(request)))


@router.get(
    "/{run_id}/follow-ups",
    response=list[FollowUpOut],
    operation_id="follow_ups_list",
    summary="List the work after a run",
)
@paginate
def follow_ups_list(request: HttpRequest, run_id: int) -> QuerySet[FollowUp]:
    caller(request).require(Capability.READ)
    return get_object_or_404(Run, pk=run_id).follow_ups.all()
