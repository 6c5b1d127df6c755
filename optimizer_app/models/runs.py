"""Optimization runs: the row is the truth, the queue only wakes a worker."""

from django.db import models

from optimizer_app.common.fields import EncryptedJSONField
from optimizer_app.common.models import Timestamped


class Run(Timestamped):
    """One optimization of one worker on one dataset version.

    queued → running → succeeded | failed | cancelled, with cancelling between running and cancelled.
    A worker process owns a running run while its `lease` stands and its heartbeat is fresh; a run whose
    heartbeat stopped is queued again, and fails after the last attempt. Transitions: services/run_execution.py.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        CANCELLING = "cancelling", "Stopping"
        SUCCEEDED = "succeeded", "Finished"
        FAILED = "failed", "Failed"
        CANCELLED = "cancelled", "Stopped"

    class Finish(models.TextChoices):
        IMPROVED = "improved", "Improved"
        NO_IMPROVEMENT = "no_improvement", "No improvement shown"
        WORSE = "worse", "Worse"
        PERFECT_SCORE = "perfect_score", "Perfect score already"
        BUDGET = "budget", "Budget reached"
        STOPPED = "stopped", "Stopped by a person"
        ERROR = "error", "Error"

    ENDED = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})
    ACTIVE = frozenset({Status.RUNNING, Status.CANCELLING})

    worker = models.ForeignKey("Worker", on_delete=models.PROTECT, related_name="runs")
    dataset_version = models.ForeignKey("DatasetVersion", on_delete=models.PROTECT, related_name="runs")
    language_model = models.ForeignKey("LanguageModel", on_delete=models.PROTECT, related_name="runs")
    metric = models.ForeignKey("Metric", on_delete=models.PROTECT, related_name="runs")
    # as they were at launch: metric, model string and prices may be edited later
    settings = models.JSONField()
    optimizer = models.CharField(max_length=60)
    parameters = models.JSONField()
    seed = models.PositiveIntegerField()
    threads = models.PositiveSmallIntegerField()
    baseline = models.ForeignKey("ProgramVersion", on_delete=models.PROTECT, related_name="runs_as_baseline")
    requested_by = models.CharField(max_length=150)

    status = models.CharField(max_length=12, choices=Status.choices, default=Status.QUEUED)
    finish_reason = models.CharField(max_length=20, choices=Finish.choices, blank=True)
    message = models.TextField(blank=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    lease = models.CharField(max_length=32, blank=True)
    heartbeat_at = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)

    progress = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=0)
    winner = models.ForeignKey("ProgramVersion", on_delete=models.PROTECT, null=True, related_name="runs_as_winner")

    class Meta:
        ordering = ("-id",)
        indexes = (
            # the tick looks for runs that nobody works on
            models.Index(fields=("status", "heartbeat_at"), name="run_reap"),
        )

    def __str__(self) -> str:
        return f"Run {self.pk}"

    @property
    def ended(self) -> bool:
        return self.status in self.ENDED


class Candidate(models.Model):
    """A program state that a run scored. Full-validation and minibatch scores are kept apart."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="candidates")
    number = models.PositiveIntegerField()
    fingerprint = models.CharField(max_length=64)
    state = EncryptedJSONField()
    full_score = models.FloatField(null=True)
    full_examples = models.PositiveIntegerField(null=True)
    minibatch_score = models.FloatField(null=True)
    minibatch_examples = models.PositiveIntegerField(null=True)
    calls = models.PositiveIntegerField()
    scored_at = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=("run", "fingerprint"), name="candidate_fingerprint"),
            models.UniqueConstraint(fields=("run", "number"), name="candidate_number"),
        )

    def __str__(self) -> str:
        return f"Candidate {self.number} of run {self.run_id}"


class RunLogLine(models.Model):
    """One line of a run's log."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="log_lines")
    at = models.DateTimeField()
    level = models.CharField(max_length=10)
    text = models.TextField()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.text
