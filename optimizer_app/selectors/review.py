"""Reading the review queue."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import QuerySet

from optimizer_app.models import CollectionRule, Dataset, ReviewItem, Worker

AHEAD = 50


@dataclass(frozen=True)
class Queue:
    """What waits for a person: corrections, disagreements and failures first, then by uncertainty."""

    items: Sequence[ReviewItem]
    waiting: int
    waiting_for_others: int
    approved: int
    rejected: int


def queue_of(dataset: Dataset, *, for_person: str, start: str | None = None) -> Queue:
    """The queue as one person sees it: without what they have approved already. `start` brings an item to the front."""
    everything = dataset.review_items.all()
    pending = everything.filter(status=ReviewItem.Status.PENDING)
    fresh = pending.filter(approvals=[]) if dataset.two_people else pending
    ahead = list(fresh.select_related("rule")[:AHEAD])
    if start and start.isdigit():
        chosen = pending.select_related("rule").filter(pk=int(start)).first()
        if chosen is not None:
            ahead = [chosen, *(item for item in ahead if item.pk != chosen.pk)]
    waiting = pending.count()
    begun = list(pending.exclude(approvals=[]).select_related("rule")) if dataset.two_people else []
    theirs = [item for item in begun if for_person not in item.approvals]
    mine = len(begun) - len(theirs)
    ahead = sorted([*ahead, *theirs], key=lambda item: (-item.priority, item.pk))[:AHEAD]
    return Queue(
        items=ahead,
        waiting=waiting,
        waiting_for_others=mine,
        approved=everything.filter(status=ReviewItem.Status.APPROVED).count(),
        rejected=everything.filter(status=ReviewItem.Status.REJECTED).count(),
    )


def rules_of(worker: Worker) -> QuerySet[CollectionRule]:
    """A worker's rules with their datasets."""
    return worker.rules.select_related("dataset")


def waiting_for(worker_datasets: Sequence[Dataset]) -> int:
    """How many items wait in the queues of these datasets."""
    return ReviewItem.objects.filter(dataset__in=worker_datasets, status=ReviewItem.Status.PENDING).count()
