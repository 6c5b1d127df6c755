"""Forms about people and tokens."""

from django import forms
from django.contrib.auth.models import User

from optimizer_app.common.access import MEANING, ROLES, Capability
from optimizer_app.common.forms import ServiceForm
from optimizer_app.models import Team

ROLE_HELP = {
    "viewer": "sees everything but secrets",
    "operator": "also changes workers and data, launches runs",
    "approver": "also promotes and rolls back",
    "admin": "also manages language models, tokens and people",
}


class PersonForm(ServiceForm):
    """A new account."""

    name = forms.CharField(label="User name", max_length=150)
    role = forms.ChoiceField(choices=[(role, f"{role}: {ROLE_HELP[role]}") for role in ROLES])


class PersonEditForm(ServiceForm):
    """An account's role."""

    role = forms.ChoiceField(choices=[(role, f"{role}: {ROLE_HELP[role]}") for role in ROLES])
    active = forms.BooleanField(required=False, label="May sign in")


class CodeForm(ServiceForm):
    """A code of an authenticator."""

    code = forms.CharField(
        max_length=20,
        label="Code",
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True}),
        help_text="Six digits from the authenticator, or a recovery code.",
    )


class TeamForm(ServiceForm):
    """A team and who is in it."""

    name = forms.CharField(max_length=100)
    members = forms.ModelMultipleChoiceField(
        User.objects.order_by("username"), required=False, widget=forms.CheckboxSelectMultiple
    )


class TokenForm(ServiceForm):
    """A new API token."""

    name = forms.CharField(max_length=100, help_text="Which script or service uses it.")
    scopes = forms.MultipleChoiceField(
        choices=[(scope.value, f"{scope.value}: {MEANING[scope]}") for scope in Capability],
        widget=forms.CheckboxSelectMultiple,
    )
    team = forms.ModelChoiceField(
        Team.objects.all(), required=False, empty_label="Everything", label="Sees the rows of",
        help_text="A team, where UPLIFT_TEAMS is on.",
    )  # fmt: skip
    expires_at = forms.DateTimeField(
        required=False, label="Expires", widget=forms.DateTimeInput(attrs={"type": "datetime-local"}),
        help_text="Empty: never.",
    )  # fmt: skip
