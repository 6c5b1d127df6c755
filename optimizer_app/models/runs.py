"""Optimization runs: the row is the truth, the queue only wakes a worker."""

from django.db import models

from optimizer_app.common.fields import EncryptedJSONField
from optimizer_app.common.models import Timestamped
from optimizer_app.common.ownership import OfRun, OfTeam, OfWorker


class Run(Timestamped):
    """One optimization of one worker on one dataset version.

    queued → running → succeeded | failed | cancelled, with cancelling between running and cancelled, and pausing
    and paused between running and queued.
    A worker process owns a running run while its `lease` stands and its heartbeat is fresh; a run whose
    heartbeat stopped is queued again, and fails after the last attempt. Transitions: services/run_execution.py.
    """

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        CANCELLING = "cancelling", "Stopping"
        PAUSING = "pausing", "Pausing"
        PAUSED = "paused", "Paused"
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
    ACTIVE = frozenset({Status.RUNNING, Status.CANCELLING, Status.PAUSING})

    worker = models.ForeignKey("Worker", on_delete=models.PROTECT, related_name="runs")
    dataset_version = models.ForeignKey("DatasetVersion", on_delete=models.PROTECT, related_name="runs")
    language_model = models.ForeignKey("LanguageModel", on_delete=models.PROTECT, related_name="runs")
    # who proposes instructions and who teaches or reflects; by default the language model itself
    proposer = models.ForeignKey("LanguageModel", on_delete=models.PROTECT, null=True, related_name="runs_as_proposer")
    teacher = models.ForeignKey("LanguageModel", on_delete=models.PROTECT, null=True, related_name="runs_as_teacher")
    metric = models.ForeignKey("Metric", on_delete=models.PROTECT, related_name="runs")
    batch = models.ForeignKey("Batch", on_delete=models.PROTECT, null=True, related_name="runs")
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

    # what was foretold at launch: services/quotes.py
    quote = models.JSONField(default=dict)
    progress = models.JSONField(default=dict)
    revision = models.PositiveIntegerField(default=0)
    winner = models.ForeignKey("ProgramVersion", on_delete=models.PROTECT, null=True, related_name="runs_as_winner")

    objects = OfWorker()

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
    example_scores = models.JSONField(default=list)  # on the whole validation split, in its order
    parents = models.JSONField(default=list)  # numbers of the candidates it was made from, where the optimizer says so
    calls = models.PositiveIntegerField()
    cost_usd = models.FloatField(null=True)
    scored_at = models.DateTimeField(auto_now=True)

    objects = OfRun()

    class Meta:
        ordering = ("number",)
        constraints = (
            models.UniqueConstraint(fields=("run", "fingerprint"), name="candidate_fingerprint"),
            models.UniqueConstraint(fields=("run", "number"), name="candidate_number"),
        )

    def __str__(self) -> str:
        return f"Candidate {self.number} of run {self.run_id}"


class Batch(Timestamped):
    """Several runs ordered together: at most `at_once` at a time, within one budget that they share evenly.

    A matrix is a batch over models and optimizers on one dataset version.
    """

    class Kind(models.TextChoices):
        BATCH = "batch", "Batch"
        MATRIX = "matrix", "Comparison matrix"

    name = models.CharField(max_length=100)
    kind = models.CharField(max_length=10, choices=Kind.choices)
    at_once = models.PositiveSmallIntegerField()
    budget = models.JSONField(default=dict)
    team = models.ForeignKey("Team", on_delete=models.PROTECT, null=True, blank=True, related_name="batches")
    requested_by = models.CharField(max_length=150)

    objects = OfTeam()

    class Meta:
        ordering = ("-id",)
        verbose_name_plural = "batches"

    def __str__(self) -> str:
        return self.name


class FollowUp(Timestamped):
    """Work asked for after a run: test a further candidate, or take the winner's changes apart.

    queued → running → succeeded | failed, with the same heartbeat as a run.
    """

    class Kind(models.TextChoices):
        CANDIDATE = "candidate", "Test of a candidate"
        ABLATION = "ablation", "Ablation"

    run = models.ForeignKey(Run, on_delete=models.PROTECT, related_name="follow_ups")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    candidate = models.ForeignKey(Candidate, on_delete=models.PROTECT, null=True, related_name="follow_ups")
    version = models.ForeignKey("ProgramVersion", on_delete=models.PROTECT, null=True, related_name="follow_ups")
    status = models.CharField(max_length=12, choices=Run.Status.choices, default=Run.Status.QUEUED)
    message = models.TextField(blank=True)
    quoted_calls = models.PositiveIntegerField()
    heartbeat_at = models.DateTimeField(null=True)
    attempt = models.PositiveSmallIntegerField(default=0)
    # candidate: the comparison's numbers; ablation: one entry per variant
    result = models.JSONField(default=dict)
    usage = models.JSONField(default=dict)
    requested_by = models.CharField(max_length=150)

    objects = OfRun()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of {self.run}"


class RunLogLine(models.Model):
    """One line of a run's log."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="log_lines")
    at = models.DateTimeField()
    level = models.CharField(max_length=10)
    text = models.TextField()

    objects = OfRun()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.text
