"""Work asked for after a run: test a further candidate on the sealed split, or take the winner's changes apart."""

import shutil
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from django.db import models, transaction
from django.db.models import F
from django.utils import timezone

from optimizer_app import jobs
from optimizer_app.common.access import SYSTEM, Actor, Capability
from optimizer_app.common.problems import Conflict
from optimizer_app.common.queue import enqueue
from optimizer_app.engine.changes import Variant, variants
from optimizer_app.engine.gate import Gate, RunStopped, Stop
from optimizer_app.engine.spec import TUNED
from optimizer_app.engine.usage import Ledger
from optimizer_app.models import Artifact, Candidate, Evaluation, FollowUp, Run, Split
from optimizer_app.services import audit
from optimizer_app.services.artifacts import artifact_unpack
from optimizer_app.services.run_execution import run_spec, workdir
from optimizer_app.services.run_results import evaluation_store, version_for

if TYPE_CHECKING:
    from optimizer_app.engine.evaluation import ExampleResult
    from optimizer_app.engine.runner import RunSpec

ATTEMPTS = 3
LOST = timedelta(minutes=10)  # no heartbeat inside: it is written between variants


def candidate_test(candidate: Candidate, *, by: Actor) -> FollowUp:
    """Queue the test of a candidate. The page then corrects for how many were looked at."""
    run = candidate.run
    _check(run, by)
    if run.winner and run.winner.fingerprint == candidate.fingerprint:
        raise Conflict("This candidate is the winner, which is tested already.")
    if run.baseline.fingerprint == candidate.fingerprint:
        raise Conflict("This candidate is the baseline itself, which is tested already.")
    tuned = candidate.state.get(TUNED, {}).get("artifact", "")
    if tuned and not Artifact.objects.filter(name=tuned).exists():
        raise Conflict("This candidate answers with a fine-tuned model that was not kept: only the winner's is.")
    if candidate.follow_ups.exclude(status=Run.Status.FAILED).exists():
        raise Conflict("This candidate is tested already, or waits for it.")
    return _queue(run, FollowUp.Kind.CANDIDATE, 2 * run.quote.get("test", 0), by=by, candidate=candidate)


def ablation_start(run: Run, *, by: Actor) -> FollowUp:
    """Queue an ablation: each change of the winner taken back alone, scored on the validation split."""
    _check(run, by)
    if run.winner is None or not (calls := ablation_calls(run)):
        raise Conflict("The winner has no change that could be taken back alone.")
    if run.follow_ups.filter(kind=FollowUp.Kind.ABLATION).exclude(status=Run.Status.FAILED).exists():
        raise Conflict("This ablation exists already.")
    return _queue(run, FollowUp.Kind.ABLATION, calls, by=by)


def ablation_calls(run: Run) -> int:
    """Program calls of an ablation: the validation split once per change; 0 when there is none."""
    if run.winner is None:
        return 0
    return len(_changes(run)) * int(run.dataset_version.counts[Split.VALIDATION])


def follow_up_execute(follow_up_id: int) -> None:
    """Do queued work; called twice it happens once."""
    now = timezone.now()
    claimed = FollowUp.objects.filter(pk=follow_up_id, status=Run.Status.QUEUED).update(
        status=Run.Status.RUNNING, heartbeat_at=now, attempt=F("attempt") + 1
    )
    if not claimed:
        return
    found = FollowUp.objects.select_related("run__winner__artifact", "candidate", "run__worker").get(pk=follow_up_id)
    ledger = Ledger()
    try:
        if found.kind == FollowUp.Kind.CANDIDATE:
            _test(found, ledger)
        else:
            _ablate(found, ledger)
    except RunStopped as stopped:
        _end(found, Run.Status.FAILED, ledger, message=stopped.stop.message)
    except Exception as error:
        _end(found, Run.Status.FAILED, ledger, message=f"{type(error).__name__}: {error}")
    finally:
        shutil.rmtree(_folder(found), ignore_errors=True)


def follow_ups_reap() -> int:
    """Queue again what a dead process left, and give up after the last attempt."""
    lost = FollowUp.objects.filter(status=Run.Status.RUNNING, heartbeat_at__lt=timezone.now() - LOST)
    ended = lost.filter(attempt__gte=ATTEMPTS).update(
        status=Run.Status.FAILED, message=f"The worker process died {ATTEMPTS} times during this work."
    )
    again = list(lost.values_list("pk", flat=True))
    for pk in again:
        with transaction.atomic():
            if lost.filter(pk=pk).update(status=Run.Status.QUEUED):
                enqueue(jobs.FOLLOW_UP, follow_up_id=pk)
    return ended + len(again)


def _check(run: Run, by: Actor) -> None:
    by.require(Capability.OPERATE)
    if run.status != Run.Status.SUCCEEDED or run.winner_id is None:
        raise Conflict("Only a finished run with a winner can be looked into.")


def _queue(run: Run, kind: FollowUp.Kind, calls: int, *, by: Actor, candidate: Candidate | None = None) -> FollowUp:
    with transaction.atomic():
        made = FollowUp.objects.create(
            run=run, kind=kind, candidate=candidate, quoted_calls=calls, requested_by=by.name
        )
        audit.record(by, f"follow_up.{kind}", run, candidate=candidate.number if candidate else None)
        enqueue(jobs.FOLLOW_UP, follow_up_id=made.pk)
    return made


def _test(found: FollowUp, ledger: Ledger) -> None:
    from optimizer_app.engine.comparison import compare
    from optimizer_app.engine.follow_up import score_state
    from optimizer_app.engine.programs import state_hash

    candidate = found.candidate
    assert candidate is not None
    spec = _prepared(found)
    gate = Gate()
    results = {
        Split.VALIDATION: score_state(spec, candidate.state, spec.validation, gate, ledger),
        Split.TEST: score_state(spec, candidate.state, spec.test, gate, ledger),
    }
    before = _scores(found.run, Evaluation.Role.BASELINE, Split.TEST)
    numbers = compare(
        [before[result.example_id] for result in results[Split.TEST]],
        [result.score for result in results[Split.TEST]],
        binary=spec.metric.binary,
        groups=[example.group for example in spec.test],
    )
    with transaction.atomic():
        fingerprint = state_hash(spec.program, candidate.state)
        found.version = version_for(found.run, candidate.state, fingerprint, spec.artifacts, by=found.requested_by)
        for split, rows in results.items():
            evaluation_store(found.run, Evaluation.Role.CANDIDATE, found.version, split, rows)
        _end(found, Run.Status.SUCCEEDED, ledger, result=msgspec.to_builtins(numbers))


def _ablate(found: FollowUp, ledger: Ledger) -> None:
    from optimizer_app.engine.comparison import compare
    from optimizer_app.engine.follow_up import score_state

    spec = _prepared(found)
    kept = _scores(found.run, Evaluation.Role.WINNER, Split.VALIDATION)
    gate = Gate()
    rows: list[dict[str, Any]] = []
    for variant in _changes(found.run):
        FollowUp.objects.filter(pk=found.pk).update(heartbeat_at=timezone.now(), usage=ledger.snapshot())
        if not FollowUp.objects.filter(pk=found.pk, status=Run.Status.RUNNING).exists():
            gate.shut(Stop("lost", "Another process took the work over."))
        without: list[ExampleResult] = score_state(spec, variant.state, spec.validation, gate, ledger)
        # before: without the change; after: the winner. So the difference is what the change brings.
        numbers = compare(
            [result.score for result in without],
            [kept[result.example_id] for result in without],
            binary=spec.metric.binary,
        )
        rows.append({"step": variant.step, "part": variant.part, **msgspec.to_builtins(numbers)})
    _end(found, Run.Status.SUCCEEDED, ledger, result={"variants": rows})


def _prepared(found: FollowUp) -> "RunSpec":
    """The run's spec in a folder of its own, where the tuned model that the work needs, if any, is laid out."""
    spec = msgspec.structs.replace(run_spec(found.run), workdir=_folder(found))
    spec.artifacts.mkdir(parents=True, exist_ok=True)
    holder = found.candidate or found.run.winner
    tuned = holder.state.get(TUNED, {}).get("artifact", "") if holder else ""
    if tuned:
        artifact_unpack(Artifact.objects.get(name=tuned), spec.artifacts)
    return spec


def _folder(found: FollowUp) -> Path:
    return workdir(found.run).with_name(f"{found.run_id}-follow-up-{found.pk}")


def _changes(run: Run) -> list[Variant]:
    return variants(run.baseline.state, run.winner.state) if run.winner else []


def _scores(run: Run, role: Evaluation.Role, split: Split) -> dict[int, float]:
    evaluation = run.evaluations.get(role=role, split=split)
    return dict(evaluation.scores.values_list("example_id", "score"))


def _end(
    found: FollowUp, status: Run.Status, ledger: Ledger, *, message: str = "", result: dict[str, Any] | None = None
) -> None:
    held: models.QuerySet[FollowUp] = FollowUp.objects.filter(pk=found.pk, status=Run.Status.RUNNING)
    with transaction.atomic():
        held.update(status=status, message=message, result=result or {}, usage=ledger.snapshot(), version=found.version)
        audit.record(SYSTEM, f"follow_up.{found.kind}.finish", found.run, status=status)
