"""Errors to Sentry and traces to an OpenTelemetry collector, where variables ask for it."""

from importlib import import_module
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured

from optimizer_app.common.log_context import current_ids


def observe() -> None:
    """Start what SENTRY_DSN and OTEL_EXPORTER_OTLP_ENDPOINT ask for, once a process."""
    if settings.SENTRY_DSN:
        _sentry()
    if settings.OTEL_ENDPOINT:
        _opentelemetry()


def _sentry() -> None:
    """No local variables, bodies, cookies or addresses: they may hold what people wrote, and keys."""
    sentry = _asked_for("sentry_sdk", "SENTRY_DSN")

    def with_ids(event: dict[str, Any], hint: dict[str, Any]) -> dict[str, Any]:
        event.setdefault("tags", {}).update(current_ids())
        return event

    sentry.init(
        dsn=settings.SENTRY_DSN,
        send_default_pii=False,
        include_local_variables=False,
        max_request_body_size="never",
        before_send=with_ids,
    )


def _opentelemetry() -> None:
    """Requests and tasks, one span each; prompts and answers are in none."""
    asked = "OTEL_EXPORTER_OTLP_ENDPOINT"
    trace = _asked_for("opentelemetry.trace", asked)
    resource = _asked_for("opentelemetry.sdk.resources", asked).Resource.create({"service.name": "uplift"})
    provider = _asked_for("opentelemetry.sdk.trace", asked).TracerProvider(resource=resource)
    exporter = _asked_for("opentelemetry.exporter.otlp.proto.http.trace_exporter", asked).OTLPSpanExporter()
    provider.add_span_processor(_asked_for("opentelemetry.sdk.trace.export", asked).BatchSpanProcessor(exporter))
    trace.set_tracer_provider(provider)
    _asked_for("opentelemetry.instrumentation.django", asked).DjangoInstrumentor().instrument()
    _asked_for("opentelemetry.instrumentation.celery", asked).CeleryInstrumentor().instrument()


def _asked_for(module: str, variable: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise ImproperlyConfigured(
            f"{variable} is set, but {module} is not installed: uv sync --extra observability."
        ) from None
