"""What the two sides of a canary measured."""

from django.db import models

from optimizer_app.models import Canary


class CanaryTally(models.Model):
    """Sums of both sides since the start: counts, totals and squares of success, score, cost and log latency. `guards`
    are detectors that see the calls of the version on trial with the other's level as their baseline; `alarm` names
    the first that fell."""

    canary = models.OneToOneField(Canary, on_delete=models.CASCADE, related_name="tally")
    old = models.JSONField(default=dict)
    new = models.JSONField(default=dict)
    guards = models.JSONField(default=dict)
    alarm = models.CharField(max_length=30, blank=True)

    def __str__(self) -> str:
        return f"Tally of {self.canary}"
