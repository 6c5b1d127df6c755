"""Serve plotly.min.js from the plotly package instead of copying it in."""

from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.contrib.staticfiles.finders import BaseFinder
from django.core.files.storage import FileSystemStorage

FILE = "plotly.min.js"
PREFIX = "plotly"


class PlotlyFinder(BaseFinder):
    """Finds `plotly/plotly.min.js`."""

    def __init__(self, *_: Any, **__: Any) -> None:
        spec = find_spec("plotly")
        if spec is None or not spec.submodule_search_locations:
            raise ImportError("The plotly package is not installed.")
        self._folder = Path(spec.submodule_search_locations[0]) / "package_data"

    def check(self, **kwargs: Any) -> list[Any]:
        return []

    def find(self, path: str, find_all: bool = False, **_: Any) -> Any:
        found = str(self._folder / FILE) if path == f"{PREFIX}/{FILE}" else None
        if find_all:
            return [found] if found else []
        return found or []

    def list(self, ignore_patterns: Iterable[str] | None) -> Iterable[Any]:
        storage = FileSystemStorage(location=str(self._folder))
        storage.prefix = PREFIX  # type: ignore[attr-defined]
        yield FILE, storage
