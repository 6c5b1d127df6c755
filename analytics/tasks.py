"""Celery tasks: one service call, no logic."""

from celery import shared_task

from analytics.services import deliveries, explanations, gates, reports, stats, triggers
from optimizer_app import jobs


@shared_task(name=jobs.STATS)
def stats_tick() -> None:
    """Bring the aggregates up to date."""
    stats.stats_fill()
    stats.stats_absorb()


@shared_task(name=jobs.STATS_FORGET)
def stats_forget() -> None:
    """Delete minutes past their time."""
    stats.minutes_forget()


@shared_task(name=jobs.INCIDENT)
def incident_explain(incident_id: int) -> None:
    """Say what moved when an incident began."""
    explanations.incident_explain(incident_id)


@shared_task(name=jobs.DELIVERIES)
def deliveries_send() -> None:
    """Send the messages that are due."""
    deliveries.deliveries_send()


@shared_task(name=jobs.TRIGGERS)
def triggers_look() -> None:
    """Decide what is to be optimized, and what becomes of what was."""
    triggers.triggers_look()
    gates.gates_look()
    gates.incidents_supersede()


@shared_task(name=jobs.REPORTS)
def reports_send() -> None:
    """Send the reports that are due."""
    reports.reports_send_due()
