"""Filters and tags: numbers with their units, times with their zone, states in words."""

import json
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Literal, TypeGuard

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from optimizer_app.common.access import Actor, Capability
from optimizer_app.engine.matching import as_text
from optimizer_app.models import Run

register = template.Library()
NOTHING = "–"
_LEAST_USD = 1e-9  # what is less is the rounding of sums, not a price
Missing = Literal[""]  # what a template passes on where a key is missing
# state -> (tone, symbol): never colour alone
TONES = {
    "improved": ("good", "▲"),
    "worse": ("bad", "▼"),
    "no_improvement": ("calm", "="),
    "perfect_score": ("good", "✓"),
    "budget": ("calm", "■"),
    "stopped": ("calm", "■"),
    "error": ("bad", "!"),
    Run.Status.QUEUED: ("calm", "…"),
    Run.Status.RUNNING: ("live", "●"),
    Run.Status.CANCELLING: ("live", "●"),
    Run.Status.PAUSING: ("live", "●"),
    Run.Status.PAUSED: ("calm", "‖"),
    Run.Status.SUCCEEDED: ("good", "✓"),
    Run.Status.FAILED: ("bad", "!"),
    "ok": ("good", "✓"),
    "warn": ("live", "▲"),
    "stop": ("bad", "✕"),
    "best": ("good", "★"),
    "good": ("good", "✓"),
    "weak": ("calm", "–"),
    "no": ("bad", "✕"),
}


def _given(value: float | Missing | None) -> TypeGuard[float]:
    return isinstance(value, (int, float))


@register.filter
def percent(value: float | Missing | None, digits: int = 1) -> str:
    """A share as a percentage."""
    return f"{value * 100:.{digits}f} %" if _given(value) else NOTHING


@register.filter
def points(value: float | Missing | None) -> str:
    """A difference of shares in percentage points, with its sign."""
    return f"{value * 100:+.1f} points".replace("-", "−") if _given(value) else NOTHING


@register.filter
def size(value: float) -> str:
    """The size of a difference of shares, without sign."""
    return f"{value * 100:.0f} points"


@register.filter
def signed(value: float | Missing | None) -> str:
    """A difference of shares as a bare signed number, for inside intervals."""
    return f"{value * 100:+.1f}".replace("-", "−") if _given(value) else NOTHING


@register.simple_tag
def interval(kind: str, low: float | None, high: float | None) -> str:
    """A range in its unit, as one value where both ends look alike."""
    if low is None or high is None:
        return "unpriced" if kind == "money" else "not known"
    shown = {"count": count, "money": money, "time": milliseconds}[kind]
    ends = (shown(low), shown(high))
    return ends[0] if ends[0] == ends[1] else f"{ends[0]} to {ends[1]}"


@register.filter
def money(value: float | None) -> str:
    """US dollars; a missing price is said, never shown as zero."""
    if value is None:
        return "unpriced"
    if value >= 1 or value < _LEAST_USD:
        return f"${value:,.2f}"
    return f"${value:.4f}" if value >= 0.01 else f"${Decimal(f'{value:.2g}'):f}"


@register.filter
def count(value: float | Missing | None) -> str:
    """A whole number, shortened from ten thousand on."""
    if not _given(value):
        return NOTHING
    for limit, unit in ((1_000_000, "M"), (10_000, "k")):
        if value >= limit:
            return f"{value / (1_000_000 if unit == 'M' else 1000):.1f}{unit}"
    return f"{value:,.0f}"


@register.filter
def milliseconds(value: float | Missing | None) -> str:
    """A duration."""
    if not _given(value):
        return NOTHING
    if value >= 120_000:
        return f"{value / 60_000:,.0f} min"
    return f"{value / 1000:.2f} s" if value >= 1000 else f"{value:.1f} ms"


@register.filter
def p_value(value: float) -> str:
    """A p-value, not below what anyone can use."""
    return "< 0.0001" if value < 0.0001 else f"{value:.4f}"


@register.simple_tag
def corrected_p(value: float, looks: int) -> str:
    """A p-value after looking so often (Bonferroni)."""
    return p_value(min(1.0, value * looks))


@register.filter
def duration(value: timedelta | None) -> str:
    """A duration in its two largest units."""
    if value is None:
        return NOTHING
    seconds = int(value.total_seconds())
    if seconds < 60:
        return f"{value.total_seconds():.0f} s"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {seconds} s"


@register.filter
def when(value: datetime | None) -> str | SafeString:
    """A time with its zone; the browser shows it in its own."""
    if value is None:
        return NOTHING
    local = timezone.localtime(value)
    return format_html('<time datetime="{}">{}</time>', value.isoformat(), local.strftime("%-d %b %Y, %H:%M %Z"))


@register.filter
def text(value: object) -> str:
    """Any value as a person would write it."""
    return as_text(value)


@register.filter
def pretty_json(value: object) -> str:
    """Indented JSON."""
    return json.dumps(value, indent=2, ensure_ascii=False)


@register.filter
def get(mapping: dict[str, Any], key: str) -> Any:
    """The value of a key that a template cannot name."""
    return mapping.get(key)


@register.filter
def can(actor: Actor, capability: str) -> bool:
    """Whether the actor has a capability."""
    return actor.can(Capability(capability))


@register.simple_tag
def badge(key: str, label: str) -> SafeString:
    """A state as symbol and word."""
    tone, symbol = TONES.get(key, ("calm", "•"))
    return format_html('<span class="badge badge-{}"><span aria-hidden="true">{}</span> {}</span>', tone, symbol, label)


@register.simple_tag
def run_badge(run: Run) -> SafeString:
    """How a run stands, or how it ended."""
    if run.ended and run.finish_reason:
        return badge(run.finish_reason, run.get_finish_reason_display())
    return badge(run.status, run.get_status_display())


@register.inclusion_tag("partials/_field.html")
def field(bound: Any) -> dict[str, Any]:
    """One form field with label, help and errors."""
    kind = bound.field.widget.__class__.__name__
    return {"field": bound, "kind": kind}
