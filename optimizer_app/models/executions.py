"""Executions: what workers did in production, and what was said about it afterwards."""

from django.db import models
from django.db.models import Q

from optimizer_app.common import bodies
from optimizer_app.common.fields import EncryptedJSONField
from optimizer_app.common.ownership import OfExecution, OfWorker


class Execution(models.Model):
    """One production call. Inputs, outputs and the error's text are in `body`, compressed and encrypted; everything
    else is in clear and can be searched. `uid` is the caller's id: a record that is sent twice is stored once.
    `path` says what answered, `subject` is a keyed hash of the person it was about. Costs are empty when unpriced.
    """

    class Path(models.TextChoices):
        PROGRAM = "program", "Program"
        STATIC = "static", "Static path"
        FALLBACK = "fallback", "Fallback"

    uid = models.UUIDField(unique=True)
    worker = models.ForeignKey("Worker", on_delete=models.PROTECT, related_name="executions", db_index=False)
    version = models.ForeignKey("ProgramVersion", on_delete=models.PROTECT, null=True, related_name="+", db_index=False)
    started_at = models.DateTimeField()
    latency_ms = models.FloatField(null=True)
    tokens_in = models.PositiveIntegerField(null=True)
    tokens_out = models.PositiveIntegerField(null=True)
    cost_usd = models.FloatField(null=True)
    success = models.BooleanField()
    error_kind = models.CharField(max_length=100, blank=True)
    path = models.CharField(max_length=10, choices=Path.choices, default=Path.PROGRAM)
    model = models.CharField(max_length=100, blank=True)
    trace_id = models.CharField(max_length=64, blank=True)
    label = models.CharField(max_length=200, blank=True)
    score = models.FloatField(null=True)
    subject = models.CharField(max_length=32, blank=True)
    metadata = models.JSONField(default=dict)
    body = models.BinaryField()

    objects = OfWorker()

    class Meta:
        ordering = ("-started_at", "-id")
        indexes = (
            # the list, of all (with the score, which a filter then reads from the index) and of one worker
            models.Index(fields=("started_at", "score"), name="execution_time"),
            models.Index(fields=("worker", "started_at"), name="execution_worker"),
            # Filters that may match few among a million. Partial, because most rows have none of these; SQLite uses
            # such an index only where the query repeats its condition, as selectors/executions.py does.
            models.Index(
                fields=("version", "started_at"), name="execution_version", condition=Q(version__isnull=False)
            ),
            models.Index(fields=("started_at",), name="execution_failed", condition=Q(error_kind__gt="")),
            models.Index(fields=("error_kind", "started_at"), name="execution_error", condition=Q(error_kind__gt="")),
            models.Index(fields=("label", "started_at"), name="execution_label", condition=Q(label__gt="")),
            models.Index(fields=("trace_id",), name="execution_trace", condition=Q(trace_id__gt="")),
            models.Index(fields=("subject",), name="execution_subject", condition=Q(subject__gt="")),
        )

    def __str__(self) -> str:
        return f"Execution {self.uid.hex[:12]}"

    @property
    def content(self) -> bodies.Body:
        """Inputs, outputs and error, decrypted."""
        return bodies.unpack(bytes(self.body))


class ExecutionTag(models.Model):
    """One pair of an execution's metadata, to find it by. `started_at` is the execution's, for the order of lists.

    Answers that did not come from the program have the pair PATH with the way they came.
    """

    PATH = "@path"

    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="tags")
    name = models.CharField(max_length=50)
    value = models.CharField(max_length=200)
    started_at = models.DateTimeField()

    objects = OfExecution()

    class Meta:
        indexes = (models.Index(fields=("name", "value", "started_at"), name="execution_tag"),)

    def __str__(self) -> str:
        return f"{self.name}={self.value}"


class Feedback(models.Model):
    """What a person, a user, a judge or a metric said about an execution: a score, a correction, words."""

    class Source(models.TextChoices):
        PERSON = "person", "Person here"
        USER = "user", "User"
        JUDGE = "judge", "LM judge"
        METRIC = "metric", "Metric"

    uid = models.UUIDField(unique=True)
    execution = models.ForeignKey(Execution, on_delete=models.CASCADE, related_name="feedback")
    source = models.CharField(max_length=10, choices=Source.choices)
    name = models.CharField(max_length=50, default="feedback")
    score = models.FloatField(null=True)
    corrected = EncryptedJSONField(null=True)
    comment = EncryptedJSONField(null=True)
    given_by = models.CharField(max_length=150)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OfExecution()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.name} on {self.execution_id}"


class IngestBatch(models.Model):
    """What the executions of one accepted request measured (common/measures.py), written in their transaction and
    deleted in the one that absorbs it into the statistics: each is counted exactly once (docs/adr/0012)."""

    measures = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"Batch {self.pk}"


class TraceUsage(models.Model):
    """What one call of a language model used, told by a span that may arrive before or after its root. Kept an hour."""

    trace_id = models.CharField(max_length=64, db_index=True)
    span_id = models.CharField(max_length=32)
    tokens_in = models.PositiveIntegerField(null=True)
    tokens_out = models.PositiveIntegerField(null=True)
    cost_usd = models.FloatField(null=True)
    model = models.CharField(max_length=100, blank=True)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("trace_id", "span_id"), name="trace_usage_once"),)

    def __str__(self) -> str:
        return f"{self.trace_id}:{self.span_id}"
