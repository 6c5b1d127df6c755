"""Figures of a run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from analytics.charts.theme import ACCENT, MUTED, Figure, figure


@dataclass(frozen=True)
class Point:
    """A scored candidate: where on the axis of effort, its number, its score in [0, 1]."""

    at: float
    number: int
    score: float


def search_figure(
    full: Sequence[Point],
    minibatch: Sequence[Point],
    descents: Iterable[tuple[Point, Point]] = (),
    *,
    effort: str = "program calls",
) -> Figure:
    """Candidates against effort, and the best so far; whole-split and minibatch scores are separate traces.

    `descents` are (parent, child) pairs, drawn as lines of descent.
    """
    ordered = sorted(full, key=lambda point: (point.at, point.number))
    best: list[float] = []
    for point in ordered:
        best.append(max(point.score * 100, best[-1] if best else 0.0))
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "Best so far",
            "x": [point.at for point in ordered],
            "y": best,
            "line": {"shape": "hv", "color": ACCENT, "width": 2},
            "hoverinfo": "skip",
        },
        _scores("On validation", ordered, "circle", ACCENT),
    ]
    if lines := list(descents):
        traces.insert(0, _descent(lines))
    if minibatch:
        traces.append(_scores("Minibatch only", sorted(minibatch, key=lambda p: p.at), "circle-open", MUTED))
    return figure(
        traces,
        height=300,
        xaxis={"title": {"text": effort}, "rangemode": "tozero"},
        yaxis={"title": {"text": "validation score, %"}, "rangemode": "tozero"},
    )


def _scores(name: str, points: Sequence[Point], symbol: str, color: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [point.at for point in points],
        "y": [point.score * 100 for point in points],
        "text": [f"candidate {point.number}" for point in points],
        "marker": {"symbol": symbol, "size": 9, "color": color},
        "hovertemplate": "%{text}: %{y:.1f} %<extra></extra>",
    }


def _descent(lines: Sequence[tuple[Point, Point]]) -> dict[str, Any]:
    xs: list[float | None] = []
    ys: list[float | None] = []
    for parent, child in lines:
        xs += [parent.at, child.at, None]
        ys += [parent.score * 100, child.score * 100, None]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Made from",
        "x": xs,
        "y": ys,
        "line": {"color": MUTED, "width": 1, "dash": "dot"},
        "hoverinfo": "skip",
    }
