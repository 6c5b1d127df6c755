"""A form whose submission is a service call."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms

from optimizer_app.common.ownership import only_seen
from optimizer_app.common.problems import Refused

T = TypeVar("T")


class SeenForm(forms.Form):
    """Offers only what the asker sees."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.ModelChoiceField) and field.queryset is not None:
                # its rows were named when the class was made, for all eyes
                field.queryset = only_seen(field.queryset)


class ServiceForm(SeenForm):
    """Turns a service's refusal into errors at the fields it names."""

    def submit(self, change: Callable[..., T], *args: Any, **kwargs: Any) -> T | None:
        """Call the service; None, with errors on the form, when it refuses."""
        try:
            return change(*args, **kwargs)
        except Refused as refused:
            placed = {name: texts for name, texts in refused.fields.items() if name in self.fields}
            for name, texts in placed.items():
                self.add_error(name, texts)
            rest = [text for name, texts in refused.fields.items() if name not in placed for text in texts]
            if rest or not refused.fields:
                self.add_error(None, rest or refused.problems)
            return None
