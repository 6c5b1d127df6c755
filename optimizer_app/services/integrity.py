"""What must hold of everything that is stored, checked row by row."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.db.models import Count, Exists, F, OuterRef, Q

from optimizer_app.common.keys import DecryptionError
from optimizer_app.common.sql import sql
from optimizer_app.engine.spec import content_hash
from optimizer_app.models import (
    Canary,
    DatasetVersion,
    Evaluation,
    Example,
    Execution,
    ExecutionTag,
    Feedback,
    ProgramVersion,
    Run,
    Worker,
)
from optimizer_app.services.audit import first_broken
from optimizer_app.services.partitions import EXECUTIONS, KEYS, partitioned
from optimizer_app.services.workers import fingerprint

SHOWN = 20  # of the rows that break a rule over millions


@dataclass
class Invariant:
    """A rule, how many rows it was asked of, and those that break it, in words."""

    rule: str
    checked: int = 0
    broken: list[str] = field(default_factory=list)

    def look(self, holds: bool, told: object) -> None:
        self.checked += 1
        if not holds:
            self.broken.append(str(told))


def invariants(*, bodies: bool) -> Iterator[Invariant]:
    """Every rule, checked now. `bodies` opens every encrypted execution and example too, which takes a while."""
    yield _audit()
    yield from (_active(), _versions(), _datasets(), _runs(), _evaluations(), _canaries(), _attached())
    if partitioned():
        yield _unique()
    if bodies:
        yield _bodies()


def _audit() -> Invariant:
    made = Invariant("The audit chain is whole.")
    number = first_broken()
    made.look(number is None, f"event {number}")
    return made


def _active() -> Invariant:
    made = Invariant(
        "A worker's active version is the one of its newest promotion, and each promotion follows the last."
    )
    for worker in Worker.objects.exclude(active_version=None).prefetch_related("promotions"):
        promotions = sorted(worker.promotions.all(), key=lambda promotion: promotion.pk)
        before = [None, *(promotion.version_id for promotion in promotions)]
        chained = all(p.previous_id == last for p, last in zip(promotions, before, strict=False))
        made.look(bool(promotions) and chained and before[-1] == worker.active_version_id, worker)
    return made


def _versions() -> Invariant:
    made = Invariant("A program version's fingerprint is that of its state.")
    for version in ProgramVersion.objects.select_related("worker").iterator():
        made.look(version.fingerprint == fingerprint(version.worker.spec(), version.state), version)
    return made


def _datasets() -> Invariant:
    made = Invariant("A frozen dataset version's hash and counts are those of its members.")
    for version in DatasetVersion.objects.select_related("dataset"):
        members = sorted(version.members.values_list("example__content_hash", "split"))
        counts = dict(version.members.values_list("split").annotate(n=Count("pk")))
        whole = all(counts.get(split, 0) == n for split, n in version.counts.items())
        made.look(whole and version.content_hash == content_hash(members), version)
    return made


def _runs() -> Invariant:
    made = Invariant("A run that ended says when and why; one that improved has a winner of its worker, compared.")
    for run in Run.objects.select_related("winner", "comparison"):
        ended = not run.ended or (run.finished_at is not None and bool(run.finish_reason))
        improved = run.finish_reason == Run.Finish.IMPROVED
        won = not improved or (run.winner is not None and run.winner.worker_id == run.worker_id)
        made.look(ended and won and (not improved or hasattr(run, "comparison")), run)
    return made


def _evaluations() -> Invariant:
    made = Invariant("An evaluation has as many scores as it says.")
    for evaluation in Evaluation.objects.annotate(stored=Count("scores")):
        made.look(evaluation.stored == evaluation.n, evaluation)
    return made


def _canaries() -> Invariant:
    made = Invariant("A canary runs beside its worker's active version, or says when and how it ended.")
    running = Q(status=Canary.Status.RUNNING)
    wrong = Canary.objects.filter(running & ~Q(against=F("worker__active_version")) | ~running & Q(ended_at=None))
    made.checked, made.broken = Canary.objects.count(), [str(canary) for canary in wrong]
    return made


def _attached() -> Invariant:
    made = Invariant("Feedback and tags belong to an execution that is stored.")
    for model in (Feedback, ExecutionTag):
        loose = model._default_manager.exclude(Exists(Execution.objects.filter(pk=OuterRef("execution_id"))))
        made.checked += model._default_manager.count()
        made.broken += [str(row) for row in loose[:SHOWN]]
    return made


def _unique() -> Invariant:
    """Where executions are partitioned, a trigger and a table of keys do what a unique index does elsewhere."""
    made = Invariant("Each execution has its key, and each key its execution.", checked=Execution.objects.count())
    names = {"executions": EXECUTIONS, "keys": KEYS}
    for statement in (
        "SELECT uid FROM {executions} GROUP BY uid HAVING count(*) > 1 LIMIT %s",
        "SELECT uid FROM {executions} e WHERE NOT EXISTS (SELECT 1 FROM {keys} k WHERE k.uid = e.uid) LIMIT %s",
        "SELECT uid FROM {keys} k WHERE NOT EXISTS (SELECT 1 FROM {executions} e WHERE e.uid = k.uid) LIMIT %s",
    ):
        made.broken += [str(uid) for (uid,) in sql(statement, SHOWN, **names)]
    return made


def _bodies() -> Invariant:
    made = Invariant("Everything encrypted can be opened with the present keys.")
    for execution in Execution.objects.iterator():
        try:
            made.look(execution.content is not None, execution)
        except (DecryptionError, ValueError) as error:
            made.look(False, f"{execution}: {error}")
    ids = Example.objects.values_list("pk", flat=True)
    for pk in ids.iterator():
        try:
            made.look(Example.objects.get(pk=pk) is not None, pk)
        except (DecryptionError, ValueError) as error:
            made.look(False, f"example {pk}: {error}")
    return made
