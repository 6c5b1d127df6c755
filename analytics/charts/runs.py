"""Figures of a run."""

from collections.abc import Sequence
from typing import Any

from analytics.charts.theme import ACCENT, MUTED, Figure, figure

Point = tuple[int, int, float]  # calls so far, candidate number, score 0 to 1


def search_figure(full: Sequence[Point], minibatch: Sequence[Point]) -> Figure:
    """Candidates against calls, and the best so far; whole-split and minibatch scores are separate traces."""
    ordered = sorted(full)
    best: list[float] = []
    for _, _, score in ordered:
        best.append(max(score * 100, best[-1] if best else 0.0))
    traces: list[dict[str, Any]] = [
        {
            "type": "scatter",
            "mode": "lines",
            "name": "Best so far",
            "x": [calls for calls, _, _ in ordered],
            "y": best,
            "line": {"shape": "hv", "color": ACCENT, "width": 2},
            "hoverinfo": "skip",
        },
        _scores("On validation", ordered, "circle", ACCENT),
    ]
    if minibatch:
        traces.append(_scores("Minibatch only", sorted(minibatch), "circle-open", MUTED))
    return figure(
        traces,
        height=260,
        xaxis={"title": {"text": "program calls"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "validation score, %"}, "rangemode": "tozero"},
    )


def _scores(name: str, points: Sequence[Point], symbol: str, color: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [calls for calls, _, _ in points],
        "y": [score * 100 for _, _, score in points],
        "text": [f"candidate {number}" for _, number, _ in points],
        "marker": {"symbol": symbol, "size": 9, "color": color},
        "hovertemplate": "%{text}: %{y:.1f} %<extra></extra>",
    }
