"""Metrics: what counts as a good answer."""

from django.db import models

from optimizer_app.common.models import Timestamped
from optimizer_app.engine.metrics import COMPOSITE, Part, metric_kinds
from optimizer_app.engine.metrics import Metric as MetricSpec


class Metric(Timestamped):
    """A kind with its parameters. An empty `field` scores every output and takes the mean.

    `judge` is the language model of an LM judge; `parts` are `{"metric", "weight", "required"}` of a composite.
    """

    name = models.CharField(max_length=100, unique=True)
    description = models.TextField(blank=True)
    kind = models.CharField(max_length=100)  # a name of engine.metrics.metric_kinds(), which code may extend
    field = models.CharField(max_length=100, blank=True)
    parameters = models.JSONField(default=dict, blank=True)
    judge = models.ForeignKey("LanguageModel", on_delete=models.PROTECT, null=True, related_name="judged_metrics")
    parts = models.JSONField(default=list, blank=True)

    class Meta:
        ordering = ("name",)

    def __str__(self) -> str:
        return self.name

    @property
    def kind_label(self) -> str:
        """The kind in words; its bare name when no code registers it any more."""
        kind = metric_kinds().get(self.kind)
        return kind.label if kind else self.kind

    def spec(self) -> MetricSpec:
        """The metric as the engine reads it; judges are named by the id of their language model."""
        parts: tuple[Part, ...] = ()
        if self.kind == COMPOSITE:
            found = Metric.objects.in_bulk([part["metric"] for part in self.parts])
            parts = tuple(
                Part(found[p["metric"]].spec(), found[p["metric"]].name, p["weight"], p["required"]) for p in self.parts
            )
        judge = str(self.judge_id) if self.judge_id else ""
        return MetricSpec(self.kind, self.field, self.parameters, parts, judge)
