"""When a worker is optimized by itself, and each decision about it."""

from django.db import models

from optimizer_app.common.models import Timestamped
from optimizer_app.common.ownership import OfWorker


class TriggerPolicy(Timestamped):
    """What starts a run, what holds it back, and what becomes of its winner. Off until somebody switches it on."""

    class Promote(models.TextChoices):
        PROPOSE = "propose", "Propose it to an approver"
        CANARY = "canary", "Let it answer a part of the calls first, and promote it if it is better there"
        AUTOMATIC = "automatic", "Promote it"

    worker = models.OneToOneField("optimizer_app.Worker", on_delete=models.PROTECT, related_name="trigger_policy")
    enabled = models.BooleanField(default=False)
    dry_run = models.BooleanField(default=True)
    # what starts a run
    on_degradation = models.BooleanField(default=True)
    cron = models.CharField(max_length=100, blank=True)  # five fields, in the time zone of the installation
    next_at = models.DateTimeField(null=True)
    new_examples = models.PositiveIntegerField(null=True)
    on_model_change = models.BooleanField(default=False)
    # the run
    optimizer = models.CharField(max_length=60, default="BootstrapFewShotWithRandomSearch")
    parameters = models.JSONField(default=dict)
    run_usd = models.FloatField(null=True)
    run_calls = models.PositiveIntegerField(null=True)
    # what holds it back
    cooldown_hours = models.PositiveIntegerField(default=24)
    monthly_usd = models.FloatField(null=True)
    quiet_from = models.PositiveSmallIntegerField(null=True)  # hours of the day
    quiet_to = models.PositiveSmallIntegerField(null=True)
    most_at_once = models.PositiveSmallIntegerField(default=1)  # runs of all workers
    # what becomes of the winner
    promote = models.CharField(max_length=10, choices=Promote.choices, default=Promote.PROPOSE)
    canary_share = models.FloatField(default=0.2)
    canary_calls = models.PositiveIntegerField(default=20_000)  # of both versions, at most
    least_gain = models.FloatField(default=0.05)
    most_cost_percent = models.FloatField(null=True)  # by which a call may cost more
    most_latency_percent = models.FloatField(null=True)
    least_pays = models.FloatField(null=True)  # probability that it pays
    rollback_hours = models.PositiveIntegerField(default=0)  # an incident so soon after a promotion takes it back

    objects = OfWorker()

    def __str__(self) -> str:
        return f"Triggers of {self.worker_id}"


class TriggerDecision(models.Model):
    """One decision, also "not now, because …". `key` names event and outcome: what was decided is not decided twice,
    however many schedulers look."""

    class Outcome(models.TextChoices):
        STARTED = "started", "Run started"
        DRY_RUN = "dry_run", "Would have started a run"
        NOT_NOW = "not_now", "Not now"
        REFUSED = "refused", "Could not start"
        PROMOTED = "promoted", "Promoted"
        ON_TRIAL = "on_trial", "Put on trial"
        PROPOSED = "proposed", "Proposed for promotion"
        KEPT = "kept", "Kept the active version"
        ROLLED_BACK = "rolled_back", "Rolled back"

    worker = models.ForeignKey("optimizer_app.Worker", on_delete=models.PROTECT, related_name="trigger_decisions")
    at = models.DateTimeField(auto_now_add=True)
    event = models.CharField(max_length=100)
    outcome = models.CharField(max_length=12, choices=Outcome.choices)
    why = models.TextField()
    run = models.ForeignKey("optimizer_app.Run", on_delete=models.PROTECT, null=True, related_name="trigger_decisions")
    key = models.CharField(max_length=64, unique=True)

    objects = OfWorker()

    class Meta:
        ordering = ("-id",)
        indexes = (models.Index(fields=("worker", "event"), name="trigger_event"),)

    def __str__(self) -> str:
        return self.why
