"""Metrics: what counts as a good answer."""

from django.db import models

from optimizer_app.common.models import Timestamped
from optimizer_app.engine.metrics import METRICS
from optimizer_app.engine.metrics import Metric as MetricSpec


class Metric(Timestamped):
    """A built-in kind with its parameters. An empty `field` scores every output and takes the mean."""

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=40, choices=[(name, kind.label) for name, kind in METRICS.items()])
    field = models.CharField(max_length=100, blank=True)
    parameters = models.JSONField(default=dict, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    def spec(self) -> MetricSpec:
        """The metric as the engine reads it."""
        return MetricSpec(self.kind, self.field, self.parameters)
