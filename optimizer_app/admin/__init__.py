"""Lists of the shell: search, filter, sort. Changes go through forms of our own (docs/adr/0002)."""

from optimizer_app.admin import lists

__all__ = ["lists"]
