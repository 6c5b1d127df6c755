"""What every list shares: read-only rows that link to pages of our own."""

from typing import Any

from django.db import models
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.admin import ModelAdmin
from unfold.decorators import action
from unfold.enums import ActionVariant

from optimizer_app.common.access import Capability, actor_of


class ListAdmin(ModelAdmin):
    """A searchable list. `empty_title` and `empty_text` say what to do when it is empty."""

    list_display_links = None
    list_per_page = 50
    actions = None
    page_url = ""
    new_url = ""
    new_capability = Capability.OPERATE
    empty_title = "Nothing here yet"
    empty_text = ""

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        name = str(self.model._meta.verbose_name_plural)
        response: HttpResponse = super().changelist_view(
            request, {"title": name[0].upper() + name[1:]} | (extra_context or {})
        )
        return response

    def has_module_permission(self, request: HttpRequest) -> bool:
        return actor_of(request).can(Capability.READ)

    def has_view_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return actor_of(request).can(Capability.READ)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: models.Model | None = None) -> bool:
        return False

    def has_new_permission(self, request: HttpRequest, *_: Any) -> bool:
        return bool(self.new_url) and actor_of(request).can(self.new_capability)

    @action(description="New", icon="add", url_path="create", permissions=["new"], variant=ActionVariant.PRIMARY)
    def new(self, request: HttpRequest) -> HttpResponse:
        return redirect(self.new_url)

    def link(self, row: models.Model, label: object) -> SafeString:
        """A row's name as a link to its page."""
        return format_html('<a class="up-cell" href="{}">{}</a>', reverse(self.page_url, args=[row.pk]), label)
