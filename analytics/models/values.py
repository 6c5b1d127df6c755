"""What a worker's answers are worth."""

from django.db import models

from optimizer_app.common.ownership import OfWorker


class WorkerValue(models.Model):
    """Money in USD. `correct_usd`: what one more correct answer is worth; `second_usd`: one second saved on a call;
    `person_hour_usd` and `compute_hour_usd` price what goes into an optimization. Empty: not said."""

    worker = models.OneToOneField("optimizer_app.Worker", on_delete=models.PROTECT, related_name="value")
    correct_usd = models.FloatField(null=True)
    second_usd = models.FloatField(default=0.0)
    person_hour_usd = models.FloatField(default=60.0)
    compute_hour_usd = models.FloatField(default=0.12)
    person_hours = models.FloatField(default=0.0)  # spent on this worker's optimizations so far
    horizon_days = models.PositiveSmallIntegerField(default=90)

    objects = OfWorker()

    def __str__(self) -> str:
        return f"Value of {self.worker_id}"
