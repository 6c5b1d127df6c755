"""The tables. One module per noun."""

from optimizer_app.models.audit import AuditEvent, AuditHead
from optimizer_app.models.canaries import Canary
from optimizer_app.models.curation import CollectionRule, ReviewItem
from optimizer_app.models.datasets import (
    Dataset,
    DatasetImport,
    DatasetVersion,
    DatasetVersionExample,
    Example,
    QualityReport,
    Split,
)
from optimizer_app.models.evaluations import Comparison, Evaluation, ExampleScore, Verdict
from optimizer_app.models.executions import Execution, ExecutionTag, Feedback, IngestBatch, TraceUsage
from optimizer_app.models.keys import DataKey
from optimizer_app.models.language_models import LanguageModel
from optimizer_app.models.metrics import Metric
from optimizer_app.models.people import Identity, SecondFactor, Team
from optimizer_app.models.pulses import Pulse
from optimizer_app.models.runs import Batch, Candidate, FollowUp, Run, RunLogLine
from optimizer_app.models.tokens import ApiToken
from optimizer_app.models.versions import Artifact, ProgramVersion, Promotion
from optimizer_app.models.workers import Worker

__all__ = [
    "ApiToken", "Artifact", "AuditEvent", "AuditHead", "Batch", "Canary", "Candidate", "CollectionRule", "Comparison",
    "DataKey", "Dataset", "DatasetImport", "DatasetVersion", "DatasetVersionExample", "Evaluation", "Example",
    "ExampleScore", "Execution", "ExecutionTag", "Feedback", "FollowUp", "Identity", "IngestBatch", "LanguageModel",
    "Metric", "ProgramVersion", "Promotion", "Pulse", "QualityReport", "ReviewItem", "Run", "RunLogLine",
    "SecondFactor", "Split", "Team", "TraceUsage", "Verdict", "Worker",
]  # fmt: skip
