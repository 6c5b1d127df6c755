"""Reading datasets."""

from collections import Counter

from django.core.cache import cache
from django.db.models import Count, Max, QuerySet, Sum

from optimizer_app.engine.matching import as_text
from optimizer_app.engine.spec import Program
from optimizer_app.models import Dataset, DatasetVersion, Example, Run, Split, Worker
from optimizer_app.models.datasets import shape_of

LABELS_KEPT_S = 3600


def split_examples(version: DatasetVersion, split: Split) -> QuerySet[Example]:
    """The examples of one split that were not erased, in the order of their content: independent of row ids."""
    members = Example.objects.filter(memberships__version=version, memberships__split=split, erased_at=None)
    return members.order_by("content_hash")


def group_of(version: DatasetVersion, example: Example) -> str:
    """What an example hangs together with others by: the field the version is grouped by, else whom it is about."""
    if version.grouped_by:
        return as_text((example.inputs | example.outputs)[version.grouped_by])
    return example.subject


def passages_of(program: Program) -> dict[str, tuple[str, ...]]:
    """What the retrieval steps of a program search: content hash of the frozen version -> its texts."""
    found: dict[str, tuple[str, ...]] = {}
    for content_hash in program.passages:
        version = DatasetVersion.objects.filter(content_hash=content_hash).order_by("id")[0]
        examples = split_examples(version, Split.TRAIN).values_list("inputs", flat=True)
        found[content_hash] = tuple(next(iter(inputs.values())) for inputs in examples)
    return found


def passage_versions() -> QuerySet[DatasetVersion]:
    """Frozen collections of passages, newest first."""
    return DatasetVersion.objects.filter(dataset__outputs=[]).select_related("dataset").order_by("-created_at")


def datasets_for(worker: Worker) -> QuerySet[Dataset]:
    """Datasets whose fields are those of the worker."""
    program = worker.spec()
    return Dataset.objects.filter(shape=shape_of(program.inputs, program.outputs))


def workers_of(dataset: Dataset) -> list[Worker]:
    """Workers with the fields of the dataset, by name."""
    return [w for w in Worker.objects.select_related("active_version") if _shape(w) == dataset.shape]


def _shape(worker: Worker) -> str:
    program = worker.spec()
    return shape_of(program.inputs, program.outputs)


def dataset_versions_for(worker: Worker) -> QuerySet[DatasetVersion]:
    """Frozen versions that a run of this worker may use, newest first."""
    program = worker.spec()
    shape = shape_of(program.inputs, program.outputs)
    return DatasetVersion.objects.filter(dataset__shape=shape).select_related("dataset").order_by("-created_at")


def examples_since(version: DatasetVersion) -> int:
    """Live examples that have come since a version was frozen."""
    return version.dataset.live().filter(created_at__gt=version.created_at).count()


def version_usage(version: DatasetVersion) -> QuerySet[Run]:
    """The runs on a frozen version, newest first, with what they measured and made."""
    return Run.objects.filter(dataset_version=version).select_related("worker", "metric", "winner").order_by("-id")


def label_counts(dataset: Dataset) -> dict[str, list[tuple[str, int]]]:
    """For each enumerated output: (value, number of examples), most frequent first.

    Answers are encrypted, and opening 100,000 of them takes 2 s; so the counts are kept until the examples change.
    """
    seen = dataset.live().aggregate(n=Count("id"), last=Max("id"), total=Sum("id"))
    key = f"labels:{dataset.pk}:{seen['n']}:{seen['last']}:{seen['total']}"
    kept: dict[str, list[tuple[str, int]]] | None = cache.get(key)
    if kept is None:
        kept = _label_counts(dataset)
        cache.set(key, kept, LABELS_KEPT_S)
    return kept


def _label_counts(dataset: Dataset) -> dict[str, list[tuple[str, int]]]:
    names = [field.name for field in dataset.output_fields() if field.type in ("enum", "bool")]
    if not names:
        return {}
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    for outputs in dataset.live().values_list("outputs", flat=True).iterator(chunk_size=1000):
        for name in names:
            counts[name][as_text(outputs[name])] += 1
    return {name: counter.most_common() for name, counter in counts.items()}
