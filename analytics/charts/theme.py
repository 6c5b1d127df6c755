"""What all figures share. Colours are roles; the browser fills in those of the light or dark theme."""

from typing import Any

Figure = dict[str, Any]

BEFORE, AFTER, MUTED, GOOD, BAD, ACCENT = "$before", "$after", "$muted", "$good", "$bad", "$accent"


def figure(data: list[dict[str, Any]], *, height: int, **layout: Any) -> Figure:
    """A figure with the house layout."""
    base: dict[str, Any] = {
        "height": height,
        "margin": {"l": 48, "r": 16, "t": 8, "b": 40},
        "showlegend": len(data) > 1,
        "legend": {"orientation": "h", "y": 1.12, "x": 0},
        "hovermode": "closest",
        "template": None,
    }
    return {"data": data, "layout": base | layout, "config": {"displayModeBar": False, "responsive": True}}
