"""Figures over time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from analytics.charts.theme import ACCENT, AFTER, BEFORE, MUTED, Figure, figure


@dataclass(frozen=True)
class Course:
    """One line over time: times as ISO texts, values, and the ends of their intervals where they have some."""

    name: str
    at: Sequence[str]
    values: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()


@dataclass(frozen=True)
class Mark:
    """A numbered event on the axis of time."""

    at: str
    number: int
    text: str


STYLES = ((AFTER, "solid", "circle"), (BEFORE, "dash", "square"), (ACCENT, "dot", "diamond"))


def course_figure(
    courses: Sequence[Course], marks: Sequence[Mark] = (), *, unit: str, between: tuple[str, str], zero: bool = False
) -> Figure:
    """Lines that differ in dash and marker as well as in colour, with bands and numbered events."""
    traces: list[dict[str, Any]] = []
    for course, (color, dash, symbol) in zip(courses, STYLES, strict=False):
        if course.low:
            traces += _band(course)
        traces.append({
            "type": "scatter", "mode": "lines+markers", "name": course.name, "x": list(course.at),
            "y": list(course.values), "line": {"color": color, "dash": dash, "width": 2},
            "marker": {"symbol": symbol, "size": 5 if len(course.at) < 60 else 3, "color": color},
            "connectgaps": False, "hovertemplate": f"%{{x}}<br>{course.name}: %{{y:.4~g}} {unit}<extra></extra>",
        })  # fmt: skip
    return figure(
        traces, height=240, margin={"l": 56, "r": 16, "t": 26, "b": 40}, shapes=[_line(mark) for mark in marks],
        annotations=[_number(mark) for mark in marks], xaxis={"type": "date", "range": list(between)},
        yaxis={"title": {"text": unit}, "rangemode": "tozero" if zero else "normal"}, showlegend=len(courses) > 1,
    )  # fmt: skip


def calls_figure(at: Sequence[str], answered: Sequence[int], failed: Sequence[int], between: tuple[str, str]) -> Figure:
    """Calls by bucket, failed ones hatched on top."""

    def bars(name: str, values: Sequence[int], color: str, pattern: str) -> dict[str, Any]:
        return {
            "type": "bar", "name": name, "x": list(at), "y": list(values),
            "marker": {"color": color, "pattern": {"shape": pattern}},
            "hovertemplate": f"%{{x}}<br>{name}: %{{y:,}}<extra></extra>",
        }  # fmt: skip

    return figure(
        [bars("Answered", answered, BEFORE, ""), bars("Failed", failed, ACCENT, "/")], height=180, barmode="stack",
        xaxis={"type": "date", "range": list(between)}, yaxis={"title": {"text": "calls"}},
    )  # fmt: skip


def _band(course: Course) -> list[dict[str, Any]]:
    shared = {"type": "scatter", "mode": "lines", "x": list(course.at), "hoverinfo": "skip", "showlegend": False,
              "line": {"width": 0, "color": MUTED}}  # fmt: skip
    return [
        {**shared, "y": list(course.low)},
        {**shared, "y": list(course.high), "fill": "tonexty", "fillcolor": "rgba(128,128,128,0.18)"},
    ]


def _line(mark: Mark) -> dict[str, Any]:
    return {
        "type": "line", "x0": mark.at, "x1": mark.at, "y0": 0, "y1": 1, "yref": "paper",
        "line": {"color": MUTED, "width": 1, "dash": "dot"},
    }  # fmt: skip


def _number(mark: Mark) -> dict[str, Any]:
    return {
        "x": mark.at, "y": 1.0, "yref": "paper", "yanchor": "bottom", "text": str(mark.number), "showarrow": False,
        "xanchor": "left" if mark.number % 2 == 0 else "right",  # of two that are close, one stands on each side
        "hovertext": mark.text, "font": {"size": 11},
    }  # fmt: skip
