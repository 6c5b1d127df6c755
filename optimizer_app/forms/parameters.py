"""Form fields made from parameters described as data."""

from collections.abc import Iterable
from typing import Any

from django import forms

from optimizer_app.common.forms import ServiceForm
from optimizer_app.engine.parameters import LONGEST_TEXT, Parameter


def form_field(parameter: Parameter) -> forms.Field:
    """The form field of one parameter."""
    common: dict[str, Any] = {"label": parameter.label, "initial": parameter.default, "help_text": parameter.help}
    if parameter.kind == "choice":
        return forms.ChoiceField(choices=parameter.choices, **common)
    if parameter.kind == "text":
        return forms.CharField(max_length=LONGEST_TEXT, widget=forms.Textarea(attrs={"rows": 5}), **common)
    if parameter.kind == "bool":
        return forms.BooleanField(required=False, **common)
    if parameter.kind == "int":
        whole: dict[str, Any] = {
            "min_value": None if parameter.low is None else int(parameter.low),
            "max_value": None if parameter.high is None else int(parameter.high),
        }
        return forms.IntegerField(**common, **whole)
    limits: dict[str, Any] = {"min_value": parameter.low, "max_value": parameter.high}
    return forms.FloatField(**common, **limits, widget=forms.NumberInput(attrs={"step": "any"}))


class ParametersForm(ServiceForm):
    """The parameters of one optimizer or metric kind. Names are prefixed, so that it fits inside another form."""

    prefix = "parameter"

    def __init__(self, parameters: Iterable[Parameter], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for parameter in parameters:
            self.fields[parameter.name] = form_field(parameter)


def values_of(form: ParametersForm) -> dict[str, Any]:
    """The parameters as filled in so far; defaults where nothing valid is given."""
    defaults = {name: field.initial for name, field in form.fields.items()}
    if not form.is_bound:
        return defaults
    form.is_valid()
    return defaults | form.cleaned_data
