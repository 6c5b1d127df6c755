"""Frozen versions of a dataset, looked back at: difference, fork, restore."""

from dataclasses import dataclass

from django.db import transaction

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.models import Dataset, DatasetVersion, DatasetVersionExample, Example, Split
from optimizer_app.services import audit
from optimizer_app.services.dataset_versions import version_store

SHOWN = 20
BATCH = 500


@dataclass(frozen=True)
class VersionDifference:
    """What the later version gained, lost and moved to another split; some of each to look at."""

    added: int
    removed: int
    moved: int
    kept: int
    some_added: list[Example]
    some_removed: list[Example]


def version_difference(before: DatasetVersion, after: DatasetVersion) -> VersionDifference:
    """Compare two versions of one dataset."""
    if before.dataset_id != after.dataset_id:
        raise Refused("Only versions of the same dataset can be compared.")
    old, new = (dict(v.members.values_list("example_id", "split")) for v in (before, after))
    added, removed = new.keys() - old.keys(), old.keys() - new.keys()
    both = old.keys() & new.keys()
    moved = sum(old[pk] != new[pk] for pk in both)

    def some(pks: set[int]) -> list[Example]:
        return list(Example.objects.filter(pk__in=sorted(pks)[:SHOWN]))

    return VersionDifference(len(added), len(removed), moved, len(both) - moved, some(added), some(removed))


def version_fork(version: DatasetVersion, *, by: Actor, name: str) -> Dataset:
    """A new dataset that begins as this version: the same examples in the same splits, frozen as its v1."""
    by.require(Capability.OPERATE)
    source = version.dataset
    if not name.strip() or Dataset.everywhere.filter(name=name).exists():
        raise Refused(
            fields={"name": ["Name the new dataset." if not name.strip() else f"There is a “{name}” already."]}
        )
    members = list(
        DatasetVersionExample.objects.filter(version=version, example__erased_at=None).select_related("example")
    )
    if not members:
        raise Refused("Every example of this version was erased.")
    with transaction.atomic():
        fork = Dataset.objects.create(
            name=name, description=f"Forked from {version}.", inputs=source.inputs, outputs=source.outputs,
            shape=source.shape, forked_from=version, team=source.team,
        )  # fmt: skip
        copied = ("inputs", "outputs", "content_hash", "input_hash", "source", "origin", "execution_uid", "subject")
        Example.objects.bulk_create(
            [
                Example(dataset=fork, **{field: getattr(member.example, field) for field in copied})
                for member in members
            ],
            batch_size=BATCH,
        )
        assigned = {member.example.content_hash: Split(member.split) for member in members}
        version_store(
            fork, assigned, by=by, stratify_by=version.stratified_by, grouped_by=version.grouped_by, seed=version.seed
        )
        audit.record(by, "dataset.fork", fork, of=str(version), examples=len(members))
    return fork


def version_restore(version: DatasetVersion, *, by: Actor) -> int:
    """Make new versions from the examples of this one again; how many others are left out from now on. Nothing is
    deleted: restoring a later version brings them back."""
    by.require(Capability.OPERATE)
    dataset = version.dataset
    with transaction.atomic():
        inside = version.members.values_list("example_id", flat=True)
        back = dataset.examples.filter(pk__in=inside, retired=True).update(retired=False)
        out = dataset.examples.exclude(pk__in=inside).filter(retired=False).update(retired=True)
        if not back and not out:
            raise Conflict(f"The dataset is as {version} already.")
        audit.record(by, "dataset.restore", version, left_out=out, brought_back=back)
    return out
