"""Evaluations, example by example, and the comparison of two of them."""

from django.db import models

from optimizer_app.common.fields import EncryptedJSONField
from optimizer_app.common.models import Frozen, Timestamped
from optimizer_app.common.ownership import OfEvaluation, OfRun
from optimizer_app.models.datasets import Split


class Evaluation(Frozen):
    """One program version scored on one split of one dataset version.

    Tokens, cost and latency are those of the `measured` examples, whose answers did not come from the cache.
    `cost_usd` is empty when unpriced.
    """

    class Role(models.TextChoices):
        BASELINE = "baseline", "Baseline"
        WINNER = "winner", "Winner"
        CANDIDATE = "candidate", "Candidate"

    run = models.ForeignKey("Run", on_delete=models.PROTECT, related_name="evaluations")
    version = models.ForeignKey("ProgramVersion", on_delete=models.PROTECT, null=True, related_name="evaluations")
    role = models.CharField(max_length=10, choices=Role.choices)
    split = models.CharField(max_length=10, choices=Split.choices)
    n = models.PositiveIntegerField()
    mean_score = models.FloatField()
    errors = models.PositiveIntegerField()
    measured = models.PositiveIntegerField()
    tokens_in = models.PositiveBigIntegerField()
    tokens_out = models.PositiveBigIntegerField()
    cost_usd = models.FloatField(null=True)
    latency_p50_ms = models.FloatField(null=True)
    latency_p95_ms = models.FloatField(null=True)

    objects = OfRun()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("run", "role", "version", "split"), name="evaluation_unique"),)

    def __str__(self) -> str:
        return f"{self.get_role_display()} on {self.split}, run {self.run_id}"


class ExampleScore(models.Model):
    """One example's result. `detail` holds outputs, feedback and error, encrypted."""

    evaluation = models.ForeignKey(Evaluation, on_delete=models.PROTECT, related_name="scores")
    example = models.ForeignKey("Example", on_delete=models.PROTECT, related_name="scores")
    score = models.FloatField()
    detail = EncryptedJSONField()
    latency_ms = models.FloatField()

    objects = OfEvaluation()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("evaluation", "example"), name="example_score_unique"),)

    def __str__(self) -> str:
        return f"{self.score:.2f} on example {self.example_id}"


class Verdict(Timestamped):
    """A person's word on one answer: right or wrong. Shows how far a metric agrees with people."""

    score = models.ForeignKey(ExampleScore, on_delete=models.CASCADE, related_name="verdicts")
    right = models.BooleanField()
    by = models.CharField(max_length=150)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("score", "by"), name="verdict_unique"),)

    def __str__(self) -> str:
        return f"{self.by}: {'right' if self.right else 'wrong'}"


class Comparison(Frozen):
    """Baseline and winner on the sealed test split. `numbers` are the fields of engine.comparison.Comparison."""

    run = models.OneToOneField("Run", on_delete=models.PROTECT, related_name="comparison")
    before = models.ForeignKey(Evaluation, on_delete=models.PROTECT, related_name="+")
    after = models.ForeignKey(Evaluation, on_delete=models.PROTECT, related_name="+")
    numbers = models.JSONField()

    objects = OfRun()

    def __str__(self) -> str:
        return f"Comparison of run {self.run_id}"
