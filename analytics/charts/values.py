"""Figures about money."""

import math
from collections.abc import Sequence
from typing import Any

from analytics.charts.theme import ACCENT, AFTER, MUTED, Figure, figure


def break_even_figure(points: Sequence[tuple[float, float, float, float]]) -> Figure:
    """Net value by day, (day, expected, low, high): where the line crosses zero, it is paid back."""
    days = [point[0] for point in points]
    band: dict[str, Any] = {
        "type": "scatter", "mode": "lines", "hoverinfo": "skip", "showlegend": False,
        "line": {"width": 0, "color": MUTED},
    }  # fmt: skip
    traces: list[dict[str, Any]] = [
        {**band, "x": days, "y": [point[2] for point in points]},
        {
            **band, "x": days, "y": [point[3] for point in points], "fill": "tonexty",
            "fillcolor": "rgba(128,128,128,0.18)", "name": "95 % band", "showlegend": True,
        },
        {
            "type": "scatter", "mode": "lines", "name": "Expected", "x": days, "y": [point[1] for point in points],
            "line": {"color": AFTER, "width": 2}, "hovertemplate": "day %{x:.0f}: $%{y:,.2f}<extra></extra>",
        },
    ]  # fmt: skip
    zero = {"type": "line", "x0": 0, "x1": days[-1], "y0": 0, "y1": 0, "line": {"color": ACCENT, "dash": "dot"}}
    return figure(
        traces, height=300, shapes=[zero], xaxis={"title": {"text": "days from now"}, "range": [0, days[-1]]},
        yaxis={"title": {"text": "net value, USD"}, "tickformat": "$,.6~g"},
    )  # fmt: skip


def gain_cost_figure(runs: Sequence[tuple[str, float, float, float, float, str]]) -> Figure:
    """Runs by (optimizer, USD, gain, low, high, label); gains in shares of 1. Each optimizer has its own symbol."""
    symbols = ("circle", "square", "diamond", "triangle-up", "cross", "star", "x", "hexagon", "triangle-down")
    traces = []
    for number, optimizer in enumerate(dict.fromkeys(run[0] for run in runs)):
        told = [run for run in runs if run[0] == optimizer]
        traces.append({
            "type": "scatter", "mode": "markers", "name": optimizer, "x": [run[1] for run in told],
            "y": [100 * run[2] for run in told], "text": [run[5] for run in told],
            "error_y": {
                "type": "data", "symmetric": False, "array": [100 * (run[4] - run[2]) for run in told],
                "arrayminus": [100 * (run[2] - run[3]) for run in told], "thickness": 1, "width": 3, "color": MUTED,
            },
            "marker": {"symbol": symbols[number % len(symbols)], "size": 9, "color": AFTER if number % 2 else ACCENT},
            "hovertemplate": "%{text}: %{y:+.1f} points for $%{x:.4~g}<extra></extra>",
        })  # fmt: skip
    most = max((run[1] for run in runs), default=0.0)
    return figure(
        traces, height=320,
        xaxis={"title": {"text": "spent on the run, USD"}, "range": [-0.03 * most, 1.05 * most or 1]},
        yaxis={"title": {"text": "gain on the test split, points"}, "zeroline": True}, showlegend=True,
    )  # fmt: skip


def forest_figure(rows: Sequence[tuple[str, float, float, float]]) -> Figure:
    """Differences with their intervals, one on a line: (label, difference, low, high) in shares of 1."""
    ordered = list(reversed(rows))
    trace = {
        "type": "scatter", "mode": "markers", "x": [100 * row[1] for row in ordered], "y": [row[0] for row in ordered],
        "error_x": {
            "type": "data", "symmetric": False, "array": [100 * (row[3] - row[1]) for row in ordered],
            "arrayminus": [100 * (row[1] - row[2]) for row in ordered], "thickness": 2, "width": 6, "color": MUTED,
        },
        "marker": {"symbol": "diamond", "size": 10, "color": AFTER},
        "hovertemplate": "%{y}: %{x:+.1f} points<extra></extra>",
    }  # fmt: skip
    reach = 1.1 * max([10.0, *(abs(100 * end) for row in rows for end in row[2:])])
    return figure(
        [trace], height=80 + 34 * len(rows),
        xaxis={"title": {"text": "points, after minus before"}, "range": [-reach, reach]},
        yaxis={"type": "category", "automargin": True},
        shapes=[_limit(0)],
    )  # fmt: skip


def histogram_figure(bars: Sequence[tuple[float, float, int]], *, unit: str, limit: float | None = None) -> Figure:
    """Bars (from, to, count) on a logarithmic axis, with a limit marked."""
    trace = {
        "type": "bar", "x": [math.sqrt(low * high) for low, high, _ in bars], "y": [count for _, _, count in bars],
        "width": [high - low for low, high, _ in bars], "marker": {"color": AFTER},
        "customdata": [[low, high] for low, high, _ in bars],
        "hovertemplate": f"%{{customdata[0]:.3~g}} to %{{customdata[1]:.3~g}} {unit}: %{{y:,}} calls<extra></extra>",
    }  # fmt: skip
    shapes = [] if limit is None else [_limit(limit)]
    notes = [] if limit is None else [
        {"x": math.log10(limit), "y": 1, "yref": "paper", "yanchor": "bottom", "text": "need", "showarrow": False}
    ]  # fmt: skip
    return figure(
        [trace], height=240, margin={"l": 56, "r": 16, "t": 26, "b": 40}, shapes=shapes, annotations=notes,
        xaxis={"type": "log", "title": {"text": unit}, "dtick": "D2"}, yaxis={"title": {"text": "calls"}},
    )  # fmt: skip


def changes_figure(bars: Sequence[tuple[float, int]]) -> Figure:
    """How many examples changed by how much."""
    trace = {
        "type": "bar", "x": [100 * middle for middle, _ in bars], "y": [count for _, count in bars],
        "marker": {"color": [AFTER if middle > 0 else ACCENT if middle < 0 else MUTED for middle, _ in bars],
                   "pattern": {"shape": ["" if middle >= 0 else "/" for middle, _ in bars]}},
        "text": [str(count) for _, count in bars], "textposition": "outside", "cliponaxis": False,
        "hovertemplate": "%{x:+.0f} points: %{y:,} examples<extra></extra>", "width": 8,
    }  # fmt: skip
    return figure(
        [trace], height=240, xaxis={"title": {"text": "change of an example's score, points"}, "range": [-110, 110]},
        yaxis={"title": {"text": "examples"}},
    )  # fmt: skip


def _limit(at: float) -> dict[str, Any]:
    line = {"color": ACCENT, "dash": "dot"}
    return {"type": "line", "x0": at, "x1": at, "y0": 0, "y1": 1, "yref": "paper", "line": line}
