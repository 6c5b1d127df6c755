"""Notes of people on the axis of time."""

from django.db import models

from optimizer_app.common.models import Timestamped
from optimizer_app.common.ownership import OfWorker


class Note(Timestamped):
    """Something that happened and may explain a chart: a price change, a campaign, a release elsewhere.
    Without a worker it stands on every worker's charts."""

    worker = models.ForeignKey("optimizer_app.Worker", on_delete=models.PROTECT, null=True, related_name="notes")
    at = models.DateTimeField()
    text = models.CharField(max_length=200)
    by = models.CharField(max_length=150)

    objects = OfWorker()

    class Meta:
        ordering = ("-at",)

    def __str__(self) -> str:
        return self.text
