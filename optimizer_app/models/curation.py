"""From executions to examples: rules that pick, and items that wait for a person."""

from django.db import models

from optimizer_app.common.fields import EncryptedJSONField
from optimizer_app.common.models import Timestamped
from optimizer_app.common.ownership import OfDataset, OfWorker


class CollectionRule(Timestamped):
    """Which executions of a worker become examples. Judged when the execution arrives, and again at feedback.

    `kind` good: the answer becomes the expected output. `kind` failure: errors and low scores are kept for a person to
    say what would have been right. Without `needs_review`, what a `good` rule picks goes straight into the dataset.
    """

    class Kind(models.TextChoices):
        GOOD = "good", "Good answers"
        FAILURE = "failure", "Failures, as evaluation cases"

    worker = models.ForeignKey("Worker", on_delete=models.CASCADE, related_name="rules")
    dataset = models.ForeignKey("Dataset", on_delete=models.CASCADE, related_name="rules")
    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.GOOD)
    enabled = models.BooleanField(default=True)
    score_limit = models.FloatField(null=True)
    feedback_limit = models.FloatField(null=True)
    sample_percent = models.FloatField(default=100)
    cap_per_label = models.PositiveIntegerField(null=True)
    needs_review = models.BooleanField(default=True)

    objects = OfWorker()

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("worker", "name"), name="rule_name"),)

    def __str__(self) -> str:
        return self.name


class ReviewItem(Timestamped):
    """An execution that may become an example, once a person (or two) agree. `suggestion` is an LM judge's, marked."""

    class Status(models.TextChoices):
        PENDING = "pending", "Waiting"
        APPROVED = "approved", "Approved"
        REJECTED = "rejected", "Rejected"

    class Reason(models.TextChoices):
        RULE = "rule", "Picked by a rule"
        FAILURE = "failure", "Failed"
        CORRECTED = "corrected", "Corrected by feedback"
        DISAGREEMENT = "disagreement", "Answers disagree"
        PERSON = "person", "Sent by a person"

    dataset = models.ForeignKey("Dataset", on_delete=models.CASCADE, related_name="review_items")
    execution_uid = models.UUIDField()
    version_number = models.PositiveIntegerField(null=True)
    rule = models.ForeignKey(CollectionRule, on_delete=models.SET_NULL, null=True, related_name="items")
    reason = models.CharField(max_length=15, choices=Reason.choices)
    inputs = EncryptedJSONField()
    outputs = EncryptedJSONField()
    suggestion = EncryptedJSONField(null=True)
    suggested_by = models.CharField(max_length=150, blank=True)
    label = models.CharField(max_length=200, blank=True)
    score = models.FloatField(null=True)
    input_hash = models.CharField(max_length=64)
    subject = models.CharField(max_length=32, blank=True)
    priority = models.FloatField(default=0)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.PENDING)
    approvals = models.JSONField(default=list)
    decided_by = models.CharField(max_length=150, blank=True)

    objects = OfDataset()

    class Meta:
        ordering = ("-priority", "id")
        constraints = (models.UniqueConstraint(fields=("dataset", "execution_uid"), name="review_once"),)
        indexes = (
            models.Index(fields=("dataset", "status", "-priority", "id"), name="review_queue"),
            models.Index(fields=("dataset", "input_hash"), name="review_input"),
        )

    def __str__(self) -> str:
        return f"Review of {self.execution_uid.hex[:12]}"
