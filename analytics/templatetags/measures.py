"""Measured values and their changes, in words that need no colour."""

import math

from django import template
from django.utils.html import format_html
from django.utils.safestring import SafeString

from analytics.compute.intervals import Estimate
from analytics.selectors.trends import Line, Slope
from optimizer_app.templatetags.uplift import NOTHING, count, milliseconds, money, percent

register = template.Library()
DAYS_A_WEEK = 7


@register.filter
def net(value: float | None) -> str:
    """US dollars with their sign; a balance."""
    if value is None:
        return NOTHING
    sign = "−" if value < 0 else "+" if value > 0 else ""
    return f"{sign}{money(abs(value))}"


@register.filter
def probability(value: float) -> str:
    """A probability, never more certain than an approximation can be."""
    if value > 0.99:
        return "over 99 %"
    return "under 1 %" if value < 0.01 else f"{100 * value:.0f} %"


@register.filter
def calls_or_never(value: float) -> str:
    """A number of calls; infinitely many is never."""
    return "never" if math.isinf(value) else f"{value:,.0f}"


@register.filter
def days_or_never(value: float) -> str:
    """Days; infinitely many is never."""
    if math.isinf(value):
        return "never"
    return f"{value:,.0f} days" if value >= 1 else f"{value * 24:.0f} h"


@register.simple_tag
def measure(kind: str, value: float | None) -> str:
    """A value in its unit."""
    return _SHOWN[kind](value) if value is not None else NOTHING


@register.simple_tag
def estimate(kind: str, told: Estimate | None) -> SafeString | str:
    """A value with its interval and the number of cases behind it."""
    if told is None:
        return NOTHING
    show = _SHOWN[kind]
    return format_html(
        '{} <span class="up-muted up-nowrap">[{}, {}] n={}</span>', show(told.value), show(told.low), show(told.high),
        f"{told.n:,}",
    )  # fmt: skip


@register.simple_tag
def change(line: Line, like_for_like: bool = False) -> SafeString | str:
    """How a measure changed, with the interval and whether it is shown to have."""
    told = line.like_for_like if like_for_like else line.change
    if told is None:
        return _plain_change(line) if not like_for_like else NOTHING
    show = _CHANGED[line.kind]
    word, tone = _verdict(told, line.better)
    return format_html(
        '{} <span class="up-muted up-nowrap">[{}, {}]</span> <span class="badge badge-{}">{}</span>', show(told.value),
        show(told.low), show(told.high), tone, word,
    )  # fmt: skip


@register.simple_tag
def slope(told: Slope) -> SafeString | str:
    """The trend of a measure, a week."""
    if told.trend is None:
        return f"{told.days} days with enough calls; 14 are needed"
    found, show = told.trend, _CHANGED[told.kind]
    low, high = DAYS_A_WEEK * found.low, DAYS_A_WEEK * found.high
    shown = "a trend is shown" if found.p < 0.05 else "no trend shown"
    short = ", short: weekdays could not be paired" if found.short else ""
    return format_html(
        '{} a week <span class="up-muted">[{}, {}], p {}, {} days{}</span> {}', show(DAYS_A_WEEK * found.slope),
        show(low), show(high), f"{found.p:.3f}" if found.p >= 0.001 else "< 0.001", found.days, short, shown,
    )  # fmt: skip


def _plain_change(line: Line) -> str:
    if line.now is None or not line.before:
        return NOTHING
    ratio = line.now / line.before - 1
    return f"{100 * ratio:+.0f} %".replace("-", "−")


def _verdict(told: Estimate, better: int) -> tuple[str, str]:
    if told.shown == "unclear" or told.low == told.high == 0:
        return "= no change shown", "calm"
    good = (told.value > 0) == (better > 0)
    return ("▲ better", "good") if good else ("▼ worse", "bad")


def _points(value: float) -> str:
    return f"{100 * value:+.1f} points".replace("-", "−")


def _time_change(value: float) -> str:
    return f"{'−' if value < 0 else '+'}{milliseconds(abs(value))}"


_SHOWN = {"share": percent, "money": money, "time": milliseconds, "count": count}
_CHANGED = {"share": _points, "money": net, "time": _time_change, "count": count}
