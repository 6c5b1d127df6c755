"""The tables of what was measured. One module per noun."""

from analytics.models.canaries import CanaryTally
from analytics.models.channels import Channel, Delivery, Silence
from analytics.models.evaluations import OutsideEvaluation, OutsideScore
from analytics.models.monitors import Incident, IncidentNote, Monitor, WatchPolicy
from analytics.models.notes import Note
from analytics.models.reports import ReportPlan, SharedLink
from analytics.models.stats import Stat, StatState
from analytics.models.triggers import TriggerDecision, TriggerPolicy
from analytics.models.values import WorkerValue

__all__ = [
    "CanaryTally", "Channel", "Delivery", "Incident", "IncidentNote", "Monitor", "Note", "OutsideEvaluation",
    "OutsideScore", "ReportPlan", "SharedLink", "Silence", "Stat", "StatState", "TriggerDecision", "TriggerPolicy",
    "WatchPolicy", "WorkerValue",
]  # fmt: skip
