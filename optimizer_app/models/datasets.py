"""Datasets, their examples, and frozen versions with a three-way split."""

from collections.abc import Iterator

import msgspec
from django.db import models
from django.db.models import Q

from optimizer_app.common.fields import EncryptedJSONField
from optimizer_app.common.models import Frozen, Timestamped
from optimizer_app.common.ownership import OfDataset, OfDatasetVersion, OfTeam
from optimizer_app.engine.spec import Field, content_hash


class Split(models.TextChoices):
    """What an example may be used for. Optimizers never see the test split."""

    TRAIN = "train", "Train"
    VALIDATION = "validation", "Validation"
    TEST = "test", "Test"


class Dataset(Timestamped):
    """Examples with the same fields. Fits every worker whose fields have these names and types."""

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    inputs = models.JSONField()
    outputs = models.JSONField()
    shape = models.CharField(max_length=64, db_index=True)
    # what the review queue holds takes two people to approve
    two_people = models.BooleanField(default=False)
    team = models.ForeignKey("Team", on_delete=models.PROTECT, null=True, blank=True, related_name="datasets")
    forked_from = models.ForeignKey("DatasetVersion", on_delete=models.PROTECT, null=True, related_name="forks")

    objects = OfTeam()
    everywhere = models.Manager()

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def holds_passages(self) -> bool:
        """Whether this is a collection of passages for retrieval: texts without expected outputs."""
        return not self.outputs

    def input_fields(self) -> tuple[Field, ...]:
        return msgspec.convert(self.inputs, tuple[Field, ...])

    def output_fields(self) -> tuple[Field, ...]:
        return msgspec.convert(self.outputs, tuple[Field, ...])

    def live(self) -> "models.QuerySet[Example]":
        """The examples that new versions are made of."""
        return self.examples.filter(erased_at=None, retired=False)

    def fields(self) -> Iterator[Field]:
        yield from self.input_fields()
        yield from self.output_fields()


def shape_of(inputs: tuple[Field, ...], outputs: tuple[Field, ...]) -> str:
    """The identity of a set of fields: role, name, type and options; descriptions do not count."""
    return content_hash(
        [[role, f.name, f.type, list(f.options)] for role, fields in (("in", inputs), ("out", outputs)) for f in fields]
    )


class Example(models.Model):
    """Inputs and expected outputs, encrypted. `content_hash` finds duplicates without decrypting.

    `origin` says where it came from: execution, version, rule, people.
    An erased example keeps its place and hash in frozen versions, and nothing else.
    """

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="examples")
    inputs = EncryptedJSONField()
    outputs = EncryptedJSONField()
    content_hash = models.CharField(max_length=64)
    input_hash = models.CharField(max_length=64)
    source = models.CharField(max_length=200)
    origin = models.JSONField(default=dict)
    execution_uid = models.UUIDField(null=True)
    subject = models.CharField(max_length=32, blank=True)
    erased_at = models.DateTimeField(null=True)
    # left out of new versions since an older one was restored
    retired = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OfDataset()

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("dataset", "content_hash"), name="example_unique"),)
        indexes = (
            # conflicting answers to one input, looked up at import
            models.Index(fields=("dataset", "input_hash"), name="example_input"),
            # erasure
            models.Index(fields=("execution_uid",), name="example_execution", condition=Q(execution_uid__isnull=False)),
            models.Index(fields=("subject",), name="example_subject", condition=Q(subject__gt="")),
        )

    def __str__(self) -> str:
        return f"Example {self.pk}"


class QualityReport(Timestamped):
    """What is good and bad about a dataset as it was when the report was made."""

    class Status(models.TextChoices):
        RUNNING = "running", "Being made"
        DONE = "done", "Made"
        FAILED = "failed", "Failed"

    dataset = models.OneToOneField(Dataset, on_delete=models.CASCADE, related_name="quality")
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.RUNNING)
    findings = models.JSONField(default=list)
    examples = models.PositiveIntegerField(default=0)
    made_at = models.DateTimeField(null=True)

    objects = OfDataset()

    def __str__(self) -> str:
        return f"Quality of {self.dataset_id}"


class DatasetImport(Timestamped):
    """A file on its way into a dataset: uploaded, mapped, then taken in whole or not at all."""

    class Status(models.TextChoices):
        MAPPING = "mapping", "Waiting for its columns to be mapped"
        RUNNING = "running", "Being imported"
        DONE = "done", "Imported"
        FAILED = "failed", "Failed"

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="imports")
    file_name = models.CharField(max_length=200)
    body = EncryptedJSONField(null=True)  # a text: CSV, or JSON lines whatever the file was
    is_csv = models.BooleanField(default=False)
    columns = models.JSONField()
    row_count = models.PositiveIntegerField()
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.MAPPING)
    report = models.JSONField(default=dict)
    mapping = models.JSONField(default=dict)  # field -> column, while the import runs in the background
    skip_other_values = models.BooleanField(default=False)
    started_by = models.CharField(max_length=150, blank=True)
    rows_read = models.PositiveIntegerField(default=0)
    heartbeat_at = models.DateTimeField(null=True)

    objects = OfDataset()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return self.file_name


class DatasetVersion(Frozen):
    """A frozen snapshot: which examples, in which split. Hashed, so equal content is the same version."""

    dataset = models.ForeignKey(Dataset, on_delete=models.PROTECT, related_name="versions")
    number = models.PositiveIntegerField()
    content_hash = models.CharField(max_length=64)
    seed = models.PositiveIntegerField()
    stratified_by = models.CharField(max_length=100, blank=True)
    grouped_by = models.CharField(max_length=100, blank=True)
    counts = models.JSONField()
    created_by = models.CharField(max_length=150)

    objects = OfDataset()

    class Meta:
        ordering = ("dataset", "-number")
        constraints = (
            models.UniqueConstraint(fields=("dataset", "number"), name="dataset_version_number"),
            models.UniqueConstraint(fields=("dataset", "content_hash"), name="dataset_version_content"),
        )

    def __str__(self) -> str:
        return f"{self.dataset.name} v{self.number}"


class DatasetVersionExample(models.Model):
    """One example's place in a frozen version."""

    version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="members")
    example = models.ForeignKey(Example, on_delete=models.PROTECT, related_name="memberships")
    split = models.CharField(max_length=10, choices=Split.choices)

    objects = OfDatasetVersion()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("version", "example"), name="dataset_version_member"),)
        # reading one split of a version
        indexes = (models.Index(fields=("version", "split"), name="dataset_version_split"),)

    def __str__(self) -> str:
        return f"{self.example_id} in {self.split}"
