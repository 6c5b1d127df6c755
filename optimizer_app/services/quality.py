"""The quality report of a dataset: what would mislead an optimization, and what to do about it."""

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

import msgspec
from django.db import transaction
from django.db.models import Avg, Count
from django.utils import timezone

from optimizer_app import jobs
from optimizer_app.common.access import Actor, Capability
from optimizer_app.common.queue import enqueue
from optimizer_app.engine.matching import as_text
from optimizer_app.models import Dataset, DatasetVersionExample, Example, ExampleScore, Execution, QualityReport
from optimizer_app.privacy.detection import find
from optimizer_app.privacy.spans import KINDS
from optimizer_app.selectors.datasets import workers_of
from optimizer_app.services import audit

SHOWN = 5  # example ids that a finding names
RECENT = 500  # executions that coverage is judged by
FEW_PER_LABEL = 10
HARD_SCORE, HARD_TIMES = 0.5, 2
FAR = 0.1  # a production input less alike than this to every example is not covered
LONG_TIMES = 8  # as many times the median length, or one part of it, is an outlier


class Finding(msgspec.Struct, frozen=True):
    """One line of the report. `level` is ok, warn or stop; `count` of `of` examples; `ids` are some of them."""

    key: str
    level: str
    title: str
    count: int
    of: int
    advice: str = ""
    ids: tuple[int, ...] = ()


@dataclass(frozen=True)
class Looked:
    """The dataset, read once: ids, texts of the inputs, answers, and which near-duplicate cluster each is in."""

    ids: list[int]
    inputs: list[str]
    answers: list[str]
    input_hashes: list[str]
    rows: list[tuple[dict[str, Any], dict[str, Any]]]
    clusters: list[int]

    @property
    def n(self) -> int:
        return len(self.ids)

    def some(self, places: Sequence[int]) -> tuple[int, ...]:
        return tuple(self.ids[place] for place in places[:SHOWN])


def quality_ask(dataset: Dataset, *, by: Actor) -> None:
    """Make the report anew, in the background."""
    by.require(Capability.OPERATE)
    with transaction.atomic():
        QualityReport.objects.update_or_create(dataset=dataset, defaults={"status": QualityReport.Status.RUNNING})
        audit.record(by, "quality.ask", dataset)
        enqueue(jobs.QUALITY, dataset_id=dataset.pk)


def quality_make(dataset_id: int) -> None:
    """Read the dataset and store what was found."""
    dataset = Dataset.objects.get(pk=dataset_id)
    try:
        looked = _look(dataset)
        findings = [finding for check in CHECKS for finding in check(dataset, looked)] if looked.n else []
        values = {"status": QualityReport.Status.DONE, "findings": msgspec.to_builtins(findings), "examples": looked.n}
    except Exception:
        QualityReport.objects.filter(dataset=dataset).update(status=QualityReport.Status.FAILED)
        raise
    QualityReport.objects.update_or_create(dataset=dataset, defaults=values | {"made_at": timezone.now()})


def _look(dataset: Dataset) -> Looked:
    from optimizer_app.engine.near_duplicates import near_duplicates  # with NumPy, 25 MB

    ids, inputs, answers, hashes, rows = [], [], [], [], []
    found = dataset.live().order_by("id").only("inputs", "outputs", "input_hash")
    for example in found.iterator(chunk_size=1000):
        ids.append(example.pk)
        inputs.append("\n".join(map(as_text, example.inputs.values())))
        answers.append("\n".join(map(as_text, example.outputs.values())))
        hashes.append(example.input_hash)
        rows.append((example.inputs, example.outputs))
    return Looked(ids, inputs, answers, hashes, rows, near_duplicates(inputs))


def _duplicates(dataset: Dataset, looked: Looked) -> Iterator[Finding]:
    sizes = Counter(looked.clusters)
    places = [place for place, cluster in enumerate(looked.clusters) if sizes[cluster] > 1]
    extra = len(looked.clusters) - len(sizes)
    level = "warn" if extra > 0.05 * looked.n else "ok"
    yield Finding(
        "near_duplicates", level, "Near-duplicates: inputs that say almost the same", extra, looked.n,
        "They count several times in every score. Frozen versions keep them in one split; drop some if they are many.",
        looked.some(places),
    )  # fmt: skip


def _conflicts(dataset: Dataset, looked: Looked) -> Iterator[Finding]:
    answers: dict[int, set[str]] = defaultdict(set)
    closed = any(field.type in ("enum", "bool") for field in dataset.output_fields())
    groups: Sequence[Any] = looked.clusters if closed else looked.input_hashes
    for group, answer in zip(groups, looked.answers, strict=True):
        answers[group].add(answer)
    places = [place for place, group in enumerate(groups) if len(answers[group]) > 1]
    yield Finding(
        "conflicts", "stop" if len(places) > 0.02 * looked.n else "warn" if places else "ok",
        "Conflicting answers: the same question, or nearly, with different ones", len(places), looked.n,
        "No program can be right on both. Decide which answer holds and remove the other.", looked.some(places),
    )  # fmt: skip


def _balance(dataset: Dataset, looked: Looked) -> Iterator[Finding]:
    for field in dataset.output_fields():
        if field.type not in ("enum", "bool"):
            continue
        counts = Counter(as_text(outputs[field.name]) for _, outputs in looked.rows)
        options = field.options or ("yes", "no")
        few = [option for option in options if counts[option] < FEW_PER_LABEL]
        largest = max(counts.values()) / looked.n
        yield Finding(
            "balance", "warn" if few or largest > 0.8 else "ok",
            f"Values of {field.name} with under {FEW_PER_LABEL} examples", len(few), len(options),
            f"{', '.join(few[:6])}: too few to learn from or to measure. Collect more of them." if few
            else f"The most frequent value is {largest:.0%} of all; always saying it would score as much.",
        )  # fmt: skip


def _diversity(dataset: Dataset, looked: Looked) -> Iterator[Finding]:
    sizes = Counter(looked.clusters)
    share = len(sizes) / looked.n
    largest = sizes.most_common(1)[0][1]
    yield Finding(
        "diversity", "ok" if share > 0.8 else "warn", "Different questions, near-duplicates counted once", len(sizes),
        looked.n, f"The largest group of alike questions has {largest}." if largest > 1 else "",
    )  # fmt: skip


def _difficulty(dataset: Dataset, looked: Looked) -> Iterator[Finding]:
    scored = (
        ExampleScore.objects.filter(example__dataset=dataset)
        .values("example")
        .annotate(n=Count("id"), mean=Avg("score"))
    )
    hard = [row["example"] for row in scored if row["n"] >= HARD_TIMES and row["mean"] < HARD_SCORE]
    of = len(scored)
    yield Finding(
        "difficulty", "warn" if of and len(hard) > 0.3 * of else "ok",
        f"Hard examples: scored under {HARD_SCORE:.0%} on average in {HARD_TIMES} or more evaluations", len(hard), of,
        "Read some: often the expected answer is wrong." if hard else "" if of else "No run has evaluated them yet.",
        tuple(hard[:SHOWN]),
    )  # fmt: skip


def _lengths(dataset: Dataset, looked: Looked) -> Iterator[Finding]:
    lengths = [max(1, len(text)) for text in looked.inputs]
    middle = median(lengths)
    places = [p for p, length in enumerate(lengths) if not middle / LONG_TIMES <= length <= middle * LONG_TIMES]
    yield Finding(
        "lengths", "warn" if places else "ok",
        f"Length outliers: {LONG_TIMES} times the median of {middle:.0f} characters, or an eighth of it",
        len(places), looked.n,
        "Long ones cost tokens in every demonstration; short ones are often cut off." if places else "",
        looked.some(places),
    )  # fmt: skip


def _missing(dataset: Dataset, looked: Looked) -> Iterator[Finding]:
    empty = [
        p for p, (i, o) in enumerate(looked.rows) if any(not as_text(v).strip() for v in (*i.values(), *o.values()))
    ]
    yield Finding(
        "missing", "warn" if empty else "ok", "Examples with an empty value", len(empty), looked.n,
        "Fill them in or remove them." if empty else "", looked.some(empty),
    )  # fmt: skip


def _personal_data(dataset: Dataset, looked: Looked) -> Iterator[Finding]:
    kinds: Counter[str] = Counter()
    places = []
    for place, text in enumerate(looked.inputs):
        spans = find(text)
        kinds.update({span.kind for span in spans})
        if spans:
            places.append(place)
    told = ", ".join(f"{KINDS[kind].partition(' (')[0].lower()} {n}" for kind, n in kinds.most_common(4))  # type: ignore[index]
    yield Finding(
        "personal_data", "warn" if places else "ok", "Personal data left in inputs", len(places), looked.n,
        f"Found: {told}. Imported files are not redacted; remove it before somebody else's language model sees it."
        if places else "", looked.some(places),
    )  # fmt: skip


def _leakage(dataset: Dataset, looked: Looked) -> Iterator[Finding]:
    newest = dataset.versions.order_by("-number").first()
    if newest is None:
        return
    members = DatasetVersionExample.objects.filter(version=newest).values_list("example_id", "split")
    split_of = dict(members)
    splits: dict[int, set[str]] = defaultdict(set)
    for pk, cluster in zip(looked.ids, looked.clusters, strict=True):
        if pk in split_of:
            splits[cluster].add(split_of[pk])
    places = [
        p for p, pk in enumerate(looked.ids)
        if split_of.get(pk) == "test" and len(splits[looked.clusters[p]]) > 1
    ]  # fmt: skip
    yield Finding(
        "leakage", "stop" if places else "ok",
        f"Test examples of v{newest.number} with a near-duplicate in train or validation",
        len(places), sum(split == "test" for split in split_of.values()),
        "The test score is too good by as much. Freeze a new dataset from these examples: it keeps alike ones together."
        if places else "", looked.some(places),
    )  # fmt: skip


def _coverage(dataset: Dataset, looked: Looked) -> Iterator[Finding]:
    from sklearn.feature_extraction.text import HashingVectorizer

    workers = workers_of(dataset)
    names = [field.name for field in dataset.input_fields()]
    recent = list(Execution.objects.filter(worker__in=workers).order_by("-started_at")[:RECENT])
    if not recent:
        return
    texts = ["\n".join(as_text(execution.content.inputs.get(name, "")) for name in names) for execution in recent]
    vectorizer = HashingVectorizer(analyzer="char_wb", ngram_range=(3, 4), n_features=2**16)
    known = vectorizer.transform(looked.inputs)
    nearest = (vectorizer.transform(texts) @ known.T).max(axis=1).toarray().ravel()
    far = [place for place, value in enumerate(nearest) if value < math.sqrt(FAR)]
    asked = Counter(execution.label for execution in recent if execution.label)
    have = Counter(looked.answers)
    unseen = [label for label, n in asked.most_common() if not have[label] and n > 1]
    yield Finding(
        "coverage", "warn" if len(far) > 0.05 * len(recent) or unseen else "ok",
        "Recent production inputs unlike every example", len(far), len(recent),
        (f"Production also gives {', '.join(unseen[:4])}, which no example has. " if unseen else "")
        + ("Collect from production: a rule on the worker's collection page does." if far or unseen else ""),
    )  # fmt: skip


CHECKS: tuple[Callable[[Dataset, Looked], Iterator[Finding]], ...] = (
    _conflicts, _leakage, _duplicates, _diversity, _balance, _difficulty, _lengths, _missing, _personal_data, _coverage,
)  # fmt: skip


def findings_of(report: QualityReport) -> list[Finding]:
    """The stored findings, the worst first."""
    order: Mapping[str, int] = {"stop": 0, "warn": 1, "ok": 2}
    return sorted(msgspec.convert(report.findings, list[Finding]), key=lambda finding: order[finding.level])


def examples_of(finding: Finding) -> list[Example]:
    """Some examples that a finding is about, as far as they still exist."""
    return list(Example.objects.filter(pk__in=finding.ids, erased_at=None))
