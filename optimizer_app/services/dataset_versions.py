"""Freeze a dataset into a version with a three-way split."""

from collections import Counter

from django.db import transaction
from django.db.models import Max

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.engine.matching import as_text
from optimizer_app.engine.spec import content_hash
from optimizer_app.models import Dataset, DatasetVersion, DatasetVersionExample, Split
from optimizer_app.services import audit
from optimizer_app.services.splitting import Item, assign, sample

DEFAULT_SHARES = {Split.TRAIN: 0.4, Split.VALIDATION: 0.2, Split.TEST: 0.4}
LEAST = {Split.TRAIN: 2, Split.VALIDATION: 2, Split.TEST: 10}
BATCH = 1000


def dataset_freeze(
    dataset: Dataset, *, by: Actor, shares: dict[Split, float], stratify_by: str, seed: int, at_most: int | None = None
) -> DatasetVersion:
    """Freeze the dataset as it is now. Equal content gives the version that already exists."""
    by.require(Capability.OPERATE)
    if dataset.holds_passages:
        return passages_freeze(dataset, by=by)
    _check(dataset, shares, stratify_by, at_most)
    items = [
        Item(example.content_hash, as_text(example.outputs[stratify_by]) if stratify_by else "")
        for example in dataset.examples.filter(erased_at=None)
        .only("content_hash", "outputs")
        .iterator(chunk_size=BATCH)
    ]
    placed = _placed(dataset)
    if at_most is not None:
        kept = [item for item in items if item.key in placed]
        fresh = [item for item in items if item.key not in placed]
        items = kept + sample(fresh, max(0, at_most - len(kept)), seed)
    assigned = assign(items, shares, seed, placed)
    counts = Counter(assigned.values())
    if short := [
        f"{split.label.lower()} has {counts[split]}, needs {LEAST[split]}"
        for split in Split
        if counts[split] < LEAST[split]
    ]:
        raise Refused(f"Too few examples for these shares: {'; '.join(short)}. Add examples or change the shares.")
    return _store(dataset, assigned, counts, by=by, stratify_by=stratify_by, seed=seed)


def passages_freeze(dataset: Dataset, *, by: Actor) -> DatasetVersion:
    """Freeze a dataset of passages: nothing is held out, a retrieval step searches them all."""
    by.require(Capability.OPERATE)
    keys = dataset.examples.filter(erased_at=None).values_list("content_hash", flat=True)
    assigned = dict.fromkeys(keys, Split.TRAIN)
    if not assigned:
        raise Refused("There are no passages yet. Import some first.")
    return _store(dataset, assigned, Counter(assigned.values()), by=by, stratify_by="", seed=0)


def _check(dataset: Dataset, shares: dict[Split, float], stratify_by: str, at_most: int | None) -> None:
    fields: dict[str, list[str]] = {}
    if set(shares) != set(Split) or any(share <= 0 for share in shares.values()):
        fields["shares"] = ["Train, validation and test each need a share above 0 %."]
    elif abs(sum(shares.values()) - 1) > 1e-6:
        fields["shares"] = [f"The shares add up to {sum(shares.values()):.0%}, not to 100 %."]
    if stratify_by and stratify_by not in [field.name for field in dataset.output_fields()]:
        fields["stratify_by"] = [f"The dataset has no output called “{stratify_by}”."]
    if at_most is not None and at_most < sum(LEAST.values()):
        fields["at_most"] = [f"A version needs at least {sum(LEAST.values())} examples."]
    if fields:
        raise Refused(fields=fields)


def _placed(dataset: Dataset) -> dict[str, Split]:
    """Where earlier versions put each example; it never moves."""
    members = DatasetVersionExample.objects.filter(version__dataset=dataset)
    return {key: Split(split) for key, split in members.values_list("example__content_hash", "split").distinct()}


def _store(
    dataset: Dataset, assigned: dict[str, Split], counts: Counter[Split], *, by: Actor, stratify_by: str, seed: int
) -> DatasetVersion:
    identity = content_hash(sorted((key, split.value) for key, split in assigned.items()))
    if existing := dataset.versions.filter(content_hash=identity).first():
        return existing
    ids = dict(dataset.examples.values_list("content_hash", "id"))
    with transaction.atomic():
        if not Dataset.objects.select_for_update().filter(pk=dataset.pk).exists():
            raise Conflict("The dataset was deleted meanwhile.")
        last = dataset.versions.aggregate(last=Max("number"))["last"] or 0
        version = DatasetVersion.objects.create(
            dataset=dataset,
            number=last + 1,
            content_hash=identity,
            seed=seed,
            stratified_by=stratify_by,
            counts={split.value: counts[split] for split in Split},
            created_by=by.name,
        )
        DatasetVersionExample.objects.bulk_create(
            [
                DatasetVersionExample(version=version, example_id=ids[key], split=split)
                for key, split in assigned.items()
            ],
            batch_size=BATCH,
        )
        audit.record(by, "dataset.freeze", version, counts=version.counts, seed=seed)
    return version
