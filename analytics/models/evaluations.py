"""Evaluations that were made elsewhere and brought here."""

from django.db import models

from optimizer_app.common.fields import EncryptedJSONField
from optimizer_app.common.models import Timestamped
from optimizer_app.common.ownership import OfWorker


class OutsideEvaluation(Timestamped):
    """One variant of a worker, scored elsewhere example by example. Importing the variant again replaces it."""

    worker = models.ForeignKey("optimizer_app.Worker", on_delete=models.PROTECT, related_name="outside_evaluations")
    variant = models.CharField(max_length=100)
    source = models.CharField(max_length=200)
    imported_by = models.CharField(max_length=150)
    n = models.PositiveIntegerField()
    mean_score = models.FloatField()
    binary = models.BooleanField()  # all scores are 0 or 1

    objects = OfWorker()

    class Meta:
        ordering = ("variant",)
        constraints = (models.UniqueConstraint(fields=("worker", "variant"), name="outside_variant"),)

    def __str__(self) -> str:
        return self.variant


class OutsideScore(models.Model):
    """One example's score. `key` names the example in every variant; `slices` are its groups: {"level": "hard"}.
    `detail` holds {"output", "expected"}, as far as they were told, encrypted."""

    evaluation = models.ForeignKey(OutsideEvaluation, on_delete=models.CASCADE, related_name="scores")
    key = models.CharField(max_length=200)
    score = models.FloatField()
    cost_usd = models.FloatField(null=True)
    latency_ms = models.FloatField(null=True)
    slices = models.JSONField(default=dict)
    detail = EncryptedJSONField()

    class Meta:
        ordering = ("id",)
        constraints = (models.UniqueConstraint(fields=("evaluation", "key"), name="outside_score_once"),)

    def __str__(self) -> str:
        return f"{self.key}: {self.score:.2f}"
