"""Figures of a before/after comparison."""

from collections.abc import Mapping
from typing import Any

from analytics.charts.theme import ACCENT, AFTER, BAD, BEFORE, GOOD, MUTED, Figure, figure


def interval_figure(numbers: Mapping[str, Any]) -> Figure:
    """The difference with its 95 % interval, against the line of no difference."""
    difference, low, high = (100 * numbers[key] for key in ("difference", "low", "high"))
    color = {"improved": GOOD, "worse": BAD}.get(numbers["verdict"], MUTED)
    reach = max(abs(low), abs(high), 10) * 1.15
    trace = {
        "type": "scatter",
        "mode": "markers",
        "x": [difference],
        "y": ["Difference"],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [high - difference],
            "arrayminus": [difference - low],
            "thickness": 3,
            "width": 8,
            "color": color,
        },
        "marker": {"size": 13, "color": color, "symbol": "diamond"},
        "hovertemplate": f"{difference:+.1f} points, 95 % interval {low:+.1f} to {high:+.1f}<extra></extra>",
    }
    return figure(
        [trace],
        height=120,
        margin={"l": 16, "r": 16, "t": 4, "b": 40},
        xaxis={"range": [-reach, reach], "title": {"text": "points, after minus before"}, "ticksuffix": ""},
        yaxis={"visible": False},
        shapes=[{"type": "line", "x0": 0, "x1": 0, "y0": -0.5, "y1": 0.5, "line": {"color": ACCENT, "dash": "dot"}}],
    )


def splits_figure(scores: Mapping[str, tuple[float, float]]) -> Figure:
    """Scores before and after by split: a gain that is large on validation and small on test is overfit."""
    splits = list(scores)

    def bars(name: str, index: int, color: str, pattern: str) -> dict[str, Any]:
        values = [100 * scores[split][index] for split in splits]
        return {
            "type": "bar",
            "name": name,
            "x": splits,
            "y": values,
            "text": [f"{value:.1f} %" for value in values],
            "textposition": "outside",
            "cliponaxis": False,
            "marker": {"color": color, "pattern": {"shape": pattern}},
            "hovertemplate": "%{x}, " + name.lower() + ": %{y:.1f} %<extra></extra>",
        }

    return figure(
        [bars("Baseline", 0, BEFORE, "/"), bars("Winner", 1, AFTER, "")],
        height=260,
        barmode="group",
        yaxis={"range": [0, 112], "title": {"text": "mean score, %"}, "tickvals": [0, 25, 50, 75, 100]},
    )
