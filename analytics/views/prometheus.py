"""Prometheus' own address, /metrics: the last hour of every worker, and how Uplift itself stands."""

from collections import Counter

from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from analytics.selectors.periods import STEPS, Period, Size, floor
from analytics.selectors.stats import freshness, latency_by_worker, sums_by_worker
from optimizer_app.common.access import Capability, actor_of
from optimizer_app.common.ninja import bearer_token
from optimizer_app.common.problems import problem
from optimizer_app.models import Run, Worker
from optimizer_app.services.tokens import token_actor

WINDOW_MINUTES = 60


def metrics(request: HttpRequest) -> HttpResponse:
    """For a token with the scope “read”, or a signed-in person."""
    token = bearer_token(request)
    actor = token_actor(token, request.META.get("REMOTE_ADDR", "")) if token else actor_of(request)
    if actor is None or not actor.can(Capability.READ):
        return problem(401, "Send a token with the scope “read”: Authorization: Bearer upl_…")
    return HttpResponse(generate_latest(_registry()), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def _registry() -> CollectorRegistry:
    registry = CollectorRegistry()
    _workers(registry)
    runs = Gauge("uplift_runs", "Runs that have not ended, by state", ["status"], registry=registry)
    for status, n in Counter(Run.objects.exclude(status__in=Run.ENDED).values_list("status", flat=True)).items():
        runs.labels(status).set(n)
    behind = Gauge("uplift_stats_behind_seconds", "Age of the oldest execution not yet counted", registry=registry)
    behind.set(freshness().behind_s)
    return registry


def _workers(registry: CollectorRegistry) -> None:
    def gauge(name: str, text: str, *more: str) -> Gauge:
        return Gauge(f"uplift_worker_{name}", f"{text}, last hour", ["worker", *more], registry=registry)

    calls, failed = gauge("calls", "Calls"), gauge("failed_calls", "Failed calls")
    score, cost = gauge("score", "Mean score of scored calls"), gauge("cost_usd", "Spent on priced calls")
    latency = gauge("latency_seconds", "Latency", "quantile")
    end = floor(timezone.now(), Size.MINUTE) + STEPS[Size.MINUTE]
    hour = Period("", end - WINDOW_MINUTES * STEPS[Size.MINUTE], end, Size.MINUTE, Size.MINUTE)
    sums = sums_by_worker(hour)
    latencies = latency_by_worker(hour, sums)
    for pk, name in Worker.objects.filter(pk__in=sums).values_list("pk", "name"):
        totals = sums[pk]
        calls.labels(name).set(totals.calls)
        failed.labels(name).set(totals.calls - totals.successes)
        if totals.scores.mean is not None:
            score.labels(name).set(totals.scores.mean)
        if totals.priced:
            cost.labels(name).set(totals.cost_usd)
        for q in (0.5, 0.95, 0.99):
            if (value := latencies[pk].quantile(q)) is not None:
                latency.labels(name, str(q)).set(value / 1000)
