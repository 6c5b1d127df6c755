"""Celery tasks: one service call, no logic."""

import time

from celery import shared_task

from analytics.services import canaries, deliveries, explanations, gates, levels, reports, stats, traffic, triggers
from optimizer_app import jobs
from optimizer_app.settings.queue import STATS_SECONDS


@shared_task(name=jobs.STATS)
def stats_tick() -> None:
    """Bring the aggregates up to date. Filling goes on at the next tick, so that what comes in does not wait."""
    stats.stats_fill(until=time.monotonic() + STATS_SECONDS)
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
    canaries.canaries_look()
    gates.incidents_supersede()


@shared_task(name=jobs.WATCH)
def watch_look() -> None:
    """Look at plain levels, and whether calls still come."""
    levels.levels_look()
    traffic.traffic_look()
    traffic.silent_look()


@shared_task(name=jobs.REPORTS)
def reports_send() -> None:
    """Send the reports that are due."""
    reports.reports_send_due()
