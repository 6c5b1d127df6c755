"""Freeze a dataset into a version with a three-way split."""

from collections import Counter

from django.db import transaction
from django.db.models import Max

from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.problems import Conflict, Refused
from optimizer_app.engine.matching import as_text
from optimizer_app.engine.spec import content_hash
from optimizer_app.models import Dataset, DatasetVersion, DatasetVersionExample, Example, Split
from optimizer_app.selectors.datasets import examples_since
from optimizer_app.services import audit
from optimizer_app.services.splitting import Item, assign, sample

DEFAULT_SHARES = {Split.TRAIN: 0.4, Split.VALIDATION: 0.2, Split.TEST: 0.4}
LEAST = {Split.TRAIN: 2, Split.VALIDATION: 2, Split.TEST: 10}
BATCH = 1000


def dataset_freeze(
    dataset: Dataset,
    *,
    by: Actor,
    shares: dict[Split, float],
    stratify_by: str,
    seed: int,
    at_most: int | None = None,
    group_by: str = "",
) -> DatasetVersion:
    """Freeze the dataset as it is now. Equal content gives the version that already exists.

    Near-duplicates, all that is about one person, and rows with the same value of `group_by` share a split.
    """
    by.require(Capability.OPERATE)
    if dataset.holds_passages:
        return passages_freeze(dataset, by=by)
    _check(dataset, shares, stratify_by, at_most)
    _check_group(dataset, group_by)
    items = _items(dataset, stratify_by, group_by)
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
    return version_store(dataset, assigned, by=by, stratify_by=stratify_by, grouped_by=group_by, seed=seed)


def dataset_freeze_again(version: DatasetVersion, *, by: Actor) -> DatasetVersion:
    """Freeze the dataset as before, with as many examples more as have come since; old ones keep their split."""
    total = sum(version.counts.values())
    return dataset_freeze(
        version.dataset,
        by=by,
        shares={split: version.counts.get(split, 0) / total for split in Split},
        stratify_by=version.stratified_by,
        seed=version.seed,
        at_most=total + examples_since(version),
        group_by=version.grouped_by,
    )


def passages_freeze(dataset: Dataset, *, by: Actor) -> DatasetVersion:
    """Freeze a dataset of passages: nothing is held out, a retrieval step searches them all."""
    by.require(Capability.OPERATE)
    keys = dataset.live().values_list("content_hash", flat=True)
    assigned = dict.fromkeys(keys, Split.TRAIN)
    if not assigned:
        raise Refused("There are no passages yet. Import some first.")
    return version_store(dataset, assigned, by=by, stratify_by="", seed=0)


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


def _check_group(dataset: Dataset, group_by: str) -> None:
    if group_by and group_by not in [field.name for field in dataset.fields()]:
        raise Refused(fields={"group_by": [f"The dataset has no field called “{group_by}”."]})


def _items(dataset: Dataset, stratify_by: str, group_by: str) -> list[Item]:
    from optimizer_app.engine.near_duplicates import near_duplicates  # with NumPy, 25 MB

    found = dataset.live().order_by("content_hash").only("content_hash", "inputs", "outputs", "subject")
    examples = list(found.iterator(chunk_size=BATCH))
    clusters = near_duplicates(["\n".join(map(as_text, example.inputs.values())) for example in examples])
    groups = list(map(str, clusters))
    for key in (_subject, lambda example: as_text((example.inputs | example.outputs)[group_by]) if group_by else ""):
        groups = _joined(groups, [key(example) for example in examples])
    strata = [as_text(example.outputs[stratify_by]) if stratify_by else "" for example in examples]
    return [
        Item(example.content_hash, stratum, group)
        for example, stratum, group in zip(examples, strata, groups, strict=True)
    ]


def _subject(example: Example) -> str:
    return example.subject


def _joined(groups: list[str], keys: list[str]) -> list[str]:
    """Groups that share a key become one."""
    leader: dict[str, str] = {}

    def root(group: str) -> str:
        while (up := leader.get(group, group)) != group:
            group = up
        return group

    first: dict[str, str] = {}
    for group, key in zip(groups, keys, strict=True):
        if key:
            one, other = root(first.setdefault(key, group)), root(group)
            if one != other:
                leader[other] = one
    return [root(group) for group in groups]


def _placed(dataset: Dataset) -> dict[str, Split]:
    """Where earlier versions put each example; it never moves."""
    members = DatasetVersionExample.objects.filter(version__dataset=dataset)
    return {key: Split(split) for key, split in members.values_list("example__content_hash", "split").distinct()}


def version_store(
    dataset: Dataset, assigned: dict[str, Split], *, by: Actor, stratify_by: str, seed: int, grouped_by: str = ""
) -> DatasetVersion:
    """A frozen version of these examples (by content hash) in these splits; the one that exists, if there is one."""
    counts = Counter(assigned.values())
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
            grouped_by=grouped_by,
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
