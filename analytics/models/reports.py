"""Reports that are sent or shared."""

from django.db import models
from django.db.models import Q

from optimizer_app.common.models import Timestamped
from optimizer_app.common.ownership import OfWorker


class ReportPlan(Timestamped):
    """A report by e-mail once a week: of one worker, or of all. `next_at` is when it is due."""

    worker = models.ForeignKey("optimizer_app.Worker", on_delete=models.PROTECT, null=True, related_name="report_plans")
    recipients = models.JSONField()
    weekday = models.PositiveSmallIntegerField()  # 0 is Monday
    hour = models.PositiveSmallIntegerField()  # in the time zone of the installation
    next_at = models.DateTimeField(db_index=True)
    sent_at = models.DateTimeField(null=True)
    problem = models.CharField(max_length=300, blank=True)  # why the last one could not be sent
    created_by = models.CharField(max_length=150)

    objects = OfWorker()

    class Meta:
        ordering = ("id",)
        constraints = (models.CheckConstraint(condition=Q(weekday__lte=6) & Q(hour__lte=23), name="report_plan_time"),)

    def __str__(self) -> str:
        return f"Weekly report of {self.worker.name if self.worker else 'all workers'}"


class SharedLink(Timestamped):
    """An address that shows a report to whoever has it, until it expires. Only a digest of the address is kept."""

    worker = models.ForeignKey("optimizer_app.Worker", on_delete=models.PROTECT, null=True, related_name="shared_links")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True)
    created_by = models.CharField(max_length=150)

    objects = OfWorker()

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"Link to {self.worker.name if self.worker else 'all workers'}"
