"""Work after a run: further candidates, ablation."""

import pytest

from optimizer_app.common.access import Actor
from optimizer_app.common.problems import Conflict
from optimizer_app.models import Evaluation, FollowUp, Run, Worker
from optimizer_app.selectors.candidates import candidate_lines, candidate_page
from optimizer_app.services.follow_ups import ablation_start, candidate_test, follow_up_execute, follow_ups_reap
from optimizer_app.services.run_execution import workdir
from optimizer_app.services.versions import version_promote
from tests.factories.workers import finished_run, frozen, queued_run

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


@pytest.fixture
def run(worker: Worker) -> Run:
    return finished_run(worker)


def loser(run: Run) -> int:
    assert run.winner
    known = (run.winner.fingerprint, run.baseline.fingerprint)
    return int(run.candidates.exclude(fingerprint__in=known)[0].number)


def test_any_candidate_can_be_tested_and_becomes_a_version(run: Run, operator: Actor, approver: Actor) -> None:
    candidate = run.candidates.get(number=loser(run))
    assert candidate_page(candidate).looked_at == 1

    work = candidate_test(candidate, by=operator)
    follow_up_execute(work.pk)
    follow_up_execute(work.pk)  # a doubled message does nothing

    work.refresh_from_db()
    assert work.status == Run.Status.SUCCEEDED, work.message
    assert work.version is not None
    assert work.version.fingerprint == candidate.fingerprint
    assert work.result["n"] == run.comparison.numbers["n"]
    assert run.evaluations.filter(role=Evaluation.Role.CANDIDATE, version=work.version).count() == 2
    assert candidate_page(candidate).looked_at == 2
    version_promote(work.version, by=approver)
    with pytest.raises(Conflict, match="tested already"):
        candidate_test(candidate, by=operator)


def test_the_winner_is_not_tested_twice(run: Run, operator: Actor) -> None:
    assert run.winner
    with pytest.raises(Conflict, match="is the winner"):
        candidate_test(run.candidates.get(fingerprint=run.winner.fingerprint), by=operator)


def test_an_ablation_says_what_brought_the_gain(run: Run, operator: Actor) -> None:
    work = ablation_start(run, by=operator)
    follow_up_execute(work.pk)

    work.refresh_from_db()
    assert work.status == Run.Status.SUCCEEDED, work.message
    (only,) = work.result["variants"]
    assert (only["step"], only["part"]) == ("answer", "demos")
    assert only["difference"] > 0.1
    assert only["n"] == run.dataset_version.counts["validation"]
    assert work.usage["calls"] == work.quoted_calls
    with pytest.raises(Conflict, match="exists already"):
        ablation_start(run, by=operator)


def test_a_tuned_winner_can_be_taken_apart_and_other_tuned_candidates_say_they_are_gone(
    worker: Worker, operator: Actor
) -> None:
    parameters = {"num_candidate_programs": 2, "strategy": "w -> p"}
    run = finished_run(worker, version=frozen(worker), optimizer="BetterTogether", parameters=parameters)
    assert run.winner is not None, run.message
    assert run.winner.artifact is not None
    demos = ablation_start(run, by=operator) if run.winner.state["answer"]["demos"] else None
    if demos:
        follow_up_execute(demos.pk)
        demos.refresh_from_db()
        assert demos.status == Run.Status.SUCCEEDED, demos.message

    kept = run.winner.artifact.name
    other = run.candidates.exclude(fingerprint__in=(run.winner.fingerprint, run.baseline.fingerprint))[0]
    other.state = {**other.state, "@model": {"model": "offline/ft-gone", "artifact": "gone"}}
    other.save(update_fields=["state"])
    with pytest.raises(Conflict, match="was not kept"):
        candidate_test(other, by=operator)
    other.state = {**other.state, "@model": {"model": f"offline/ft-{kept}", "artifact": kept}}
    other.save(update_fields=["state"])
    work = candidate_test(other, by=operator)
    follow_up_execute(work.pk)
    work.refresh_from_db()
    assert work.status == Run.Status.SUCCEEDED, work.message
    assert not list((workdir(run).parent).glob(f"{run.pk}-follow-up-*"))


def test_work_of_a_dead_process_is_done_again_and_given_up_in_the_end(run: Run, operator: Actor) -> None:
    work = ablation_start(run, by=operator)
    FollowUp.objects.filter(pk=work.pk).update(status=Run.Status.RUNNING, heartbeat_at="2020-01-01T00:00Z", attempt=1)
    assert follow_ups_reap() == 1
    work.refresh_from_db()
    assert work.status == Run.Status.QUEUED

    FollowUp.objects.filter(pk=work.pk).update(status=Run.Status.RUNNING, attempt=3)
    assert follow_ups_reap() == 1
    work.refresh_from_db()
    assert work.status == Run.Status.FAILED
    assert "died 3 times" in work.message


def test_a_run_that_has_not_ended_well_cannot_be_looked_into(worker: Worker, operator: Actor) -> None:
    with pytest.raises(Conflict, match="Only a finished run"):
        ablation_start(queued_run(worker), by=operator)


def test_candidates_lead_where_none_scores_higher(worker: Worker) -> None:
    run = finished_run(worker, version=frozen(worker), optimizer="GEPA", parameters={"reflection_minibatch_size": 4})
    lines = candidate_lines(run)
    whole = [line for line in lines if line.candidate.full_score is not None]

    assert any(line.candidate.parents for line in lines)
    assert all(parent < line.candidate.number for line in lines for parent in line.candidate.parents)
    best = max(whole, key=lambda line: line.candidate.full_score or 0)
    assert best.on_front
    assert best.leads_on >= sum(score == 1 for score in best.candidate.example_scores)
    assert all(len(line.candidate.example_scores) == line.candidate.full_examples for line in whole)
