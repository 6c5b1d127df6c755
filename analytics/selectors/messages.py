"""What a message says: of an incident, of news, or that it is a test."""

from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils import timezone

from analytics.models import Delivery, Incident
from analytics.selectors.incident_courses import incident_course
from analytics.selectors.watching import LABELS, SHARES
from analytics.transports.messages import Bar, Message
from optimizer_app.models import AuditEvent, Canary, ProgramVersion, Run

Event = Delivery.Event
WORDS = {
    Event.OPENED: "fell", Event.ESCALATED: "fell, and nobody has acknowledged it", Event.WORSE: "fell further",
    Event.REMINDER: "is still down", Event.RESOLVED: "is back",
}  # fmt: skip
STOPPED = {Event.OPENED: "stopped", Event.RESOLVED: "are back"}  # of calls


def message_of(delivery: Delivery) -> Message:
    """What is said."""
    if delivery.incident:
        return _of_incident(delivery, delivery.incident)
    if delivery.news:
        return _of_news(delivery, delivery.news)
    told = "This is a test. Nothing is wrong."
    return Message(delivery.key, delivery.key, "test", "info", "Uplift: test", told, settings.PUBLIC_URL, {})


def _of_incident(delivery: Delivery, incident: Incident) -> Message:
    event, facts = Event(delivery.event), _facts(incident)
    words = STOPPED.get(event, WORDS[event]) if incident.signal == "traffic" else WORDS[event]
    if event == Event.RESOLVED:
        facts = _lasted(incident, facts)
    title = f"{incident.worker.name}: {LABELS[incident.signal].lower()} {words}"
    if more := incident.parts.count():
        facts["Together with it"] = f"{more} more incident{'s' if more > 1 else ''}"
    text = "; ".join(f"{name}: {value}" for name, value in facts.items())
    severity = "info" if event == Event.RESOLVED else incident.severity
    bars = tuple(Bar(label, length, value) for label, length, value in incident_course(incident))
    link = _link("analytics:incident", incident.pk)
    return Message(
        delivery.key, f"incident-{incident.pk}", delivery.event, severity, title, text, link, facts, bars
    )  # fmt: skip


def _facts(incident: Incident) -> dict[str, str]:
    told = incident.evidence
    level = told.get("corrected_level", told["level"])
    facts = {
        "From": level_text(incident, told["baseline"]),
        "to": "unknown" if level is None else level_text(incident, level),
        "Calls": f"{told.get('corrected_count', told['count']):,}",
        "Since": f"{timezone.localtime(incident.began_at):%-d %b %Y %H:%M %Z}",
    }
    told_outside = [cause for cause in incident.causes if cause["kind"] != "word"]  # words of inputs stay here
    if told_outside:
        cause = told_outside[0]
        facts["With it"] = f"{cause['kind']} {cause['name']}: {_share(cause, 'before')} → {_share(cause, 'after')}"
    return facts


def _lasted(incident: Incident, facts: dict[str, str]) -> dict[str, str]:
    """At the end: how long it lasted, and how far it had gone."""
    span = (incident.resolved_at or timezone.now()) - incident.began_at
    hours = span.total_seconds() / 3600
    lasted = f"{hours:.1f} hours" if hours >= 2 else f"{60 * hours:.0f} minutes"
    return {"Lasted": lasted, "Had gone from": facts["From"], "to": facts["to"]}


def level_text(incident: Incident, value: float) -> str:
    """A share; for latency and cost a place on the signal's scale; for plain levels and traffic the value itself."""
    if unit := incident.evidence.get("unit"):
        return f"{value:,.3g} {unit}"
    return f"{100 * value:.1f} {'%' if incident.signal in SHARES else 'of 100'}"


def _share(cause: dict[str, Any], side: str) -> str:
    return f"{100 * cause[side]:.0f} %" if cause["share"] else f"{cause[side]:.2f}"


def _of_news(delivery: Delivery, news: AuditEvent) -> Message:
    facts = {"By": news.actor}
    title, link = f"{news.object_name}: {news.verb}", ""
    match news.object_type:
        case "run":
            run = Run.objects.select_related("worker", "winner", "comparison").get(pk=news.object_id)
            title, link = _run_title(run, news.verb), _link("optimizer:run-detail", run.pk)
            facts |= _run_facts(run, news.verb)
        case "version":
            version = ProgramVersion.objects.select_related("worker").get(pk=news.object_id)
            title, link = _version_title(version, news.verb), _link("optimizer:version-detail", version.pk)
        case "canary":
            canary = Canary.objects.select_related("worker", "version").get(pk=news.object_id)
            ended = news.verb == "canary.finish"
            title = f"{canary}: {canary.get_status_display().lower() if ended else 'started'}"
            link = _link("analytics:canary", canary.worker_id)
    if reason := news.data.get("reason") or news.data.get("why"):
        facts["Why"] = str(reason)
    text = "; ".join(f"{name}: {value}" for name, value in facts.items())
    return Message(delivery.key, f"news-{news.number}", news.verb, "info", title, text, link, facts)


def _run_title(run: Run, verb: str) -> str:
    if verb == "run.create":
        return f"{run.worker.name}: {run} was queued"
    return f"{run.worker.name}: {run} ended, {(run.get_finish_reason_display() or run.get_status_display()).lower()}"


def _run_facts(run: Run, verb: str) -> dict[str, str]:
    facts = {"Optimizer": run.optimizer}
    comparison = getattr(run, "comparison", None)
    if verb == "run.finish" and comparison:
        n = comparison.numbers
        told = (
            f"{100 * n['difference']:+.1f} points (95 %: {100 * n['low']:+.1f} to {100 * n['high']:+.1f}; n={n['n']})"
        )
        facts["On the sealed test split"] = told
    return facts


def _version_title(version: ProgramVersion, verb: str) -> str:
    if verb == "version.propose":
        return f"{version} waits for an approver"
    return f"{version} {'is active' if verb == 'version.promotion' else 'is active again'}"


def _link(name: str, pk: int) -> str:
    return settings.PUBLIC_URL + reverse(name, args=[pk]) if settings.PUBLIC_URL else ""
