"""The lists of optimizer_app's nouns, in the order of the sidebar."""

from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Count, Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from unfold.decorators import action

from optimizer_app.admin.base import ListAdmin
from optimizer_app.common.access import Capability, actor_of
from optimizer_app.models import (
    ApiToken,
    AuditEvent,
    Batch,
    Dataset,
    LanguageModel,
    Metric,
    ProgramVersion,
    Run,
    Worker,
)
from optimizer_app.templatetags.uplift import money, percent, points, run_badge, when


@admin.register(Worker)
class WorkerList(ListAdmin):
    list_display = ("worker", "active", "answers_with", "measure", "changed")
    list_filter = ("language_model", "metric")
    list_select_related = ("active_version", "language_model", "metric")
    search_fields = ("name", "description")
    actions_list = ("new",)
    page_url, new_url = "optimizer:worker-detail", "optimizer:worker-new"
    empty_title, empty_text = "No workers yet", "A worker is a DSPy program under care. Create one to optimize it."

    @admin.display(description="Worker", ordering="name")
    def worker(self, row: Worker) -> SafeString:
        return self.link(row, row.name)

    @admin.display(description="Active version")
    def active(self, row: Worker) -> str:
        version = row.active_version
        return "" if version is None else "v0, baseline" if version.is_baseline else f"v{version.number}"

    @admin.display(description="Language model", ordering="language_model__name")
    def answers_with(self, row: Worker) -> str:
        return row.language_model.name

    @admin.display(description="Metric", ordering="metric__name")
    def measure(self, row: Worker) -> str:
        return row.metric.name

    @admin.display(description="Changed", ordering="updated_at")
    def changed(self, row: Worker) -> str:
        return when(row.updated_at)


@admin.register(Dataset)
class DatasetList(ListAdmin):
    list_display = ("dataset", "example_count", "version_count", "changed")
    search_fields = ("name", "description")
    actions_list = ("new",)
    page_url, new_url = "optimizer:dataset-detail", "optimizer:dataset-new"
    empty_title, empty_text = "No datasets yet", "A dataset holds examples of good answers, imported from CSV or JSONL."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Dataset]:
        counted = Count("examples", distinct=True)
        rows: QuerySet[Dataset] = super().get_queryset(request)
        return rows.annotate(examples_n=counted, versions_n=Count("versions", distinct=True))

    @admin.display(description="Dataset", ordering="name")
    def dataset(self, row: Dataset) -> SafeString:
        return self.link(row, row.name)

    @admin.display(description="Examples", ordering="examples_n")
    def example_count(self, row: Dataset) -> int:
        return row.examples_n  # type: ignore[attr-defined, no-any-return]

    @admin.display(description="Frozen versions", ordering="versions_n")
    def version_count(self, row: Dataset) -> int:
        return row.versions_n  # type: ignore[attr-defined, no-any-return]

    @admin.display(description="Changed", ordering="updated_at")
    def changed(self, row: Dataset) -> str:
        return when(row.updated_at)


@admin.register(Metric)
class MetricList(ListAdmin):
    list_display = ("metric", "how", "scores", "changed")
    search_fields = ("name", "description", "kind")
    actions_list = ("new",)
    page_url, new_url = "optimizer:metric-detail", "optimizer:metric-new"
    empty_title, empty_text = "No metrics yet", "A metric says what counts as a good answer."

    @admin.display(description="Metric", ordering="name")
    def metric(self, row: Metric) -> SafeString:
        return self.link(row, row.name)

    @admin.display(description="Kind", ordering="kind")
    def how(self, row: Metric) -> str:
        return row.kind_label

    @admin.display(description="Scores")
    def scores(self, row: Metric) -> str:
        return row.field or "every output"

    @admin.display(description="Made", ordering="created_at")
    def changed(self, row: Metric) -> str:
        return when(row.created_at)


@admin.register(Run)
class RunList(ListAdmin):
    list_display = ("run", "worker", "optimizer", "state", "gain", "cost", "requested")
    list_filter = ("status", "finish_reason", "optimizer", "worker")
    list_select_related = ("worker", "comparison")
    search_fields = ("worker__name", "optimizer", "requested_by")
    page_url = "optimizer:run-detail"
    empty_title, empty_text = "No runs yet", "Open a worker and choose Optimize to launch one."

    @admin.display(description="Run", ordering="id")
    def run(self, row: Run) -> SafeString:
        return self.link(row, row)

    @admin.display(description="State", ordering="status")
    def state(self, row: Run) -> SafeString:
        return run_badge(row)

    @admin.display(description="Gain on test")
    def gain(self, row: Run) -> str:
        comparison = getattr(row, "comparison", None)
        return f"{points(comparison.numbers['difference'])}, n={comparison.numbers['n']}" if comparison else "–"

    @admin.display(description="Cost")
    def cost(self, row: Run) -> str:
        usage = row.progress.get("usage")
        return money(usage["cost_usd"]) if usage else "–"

    @admin.display(description="Requested", ordering="created_at")
    def requested(self, row: Run) -> str:
        return when(row.created_at)


@admin.register(Batch)
class BatchList(ListAdmin):
    list_display = ("batch", "kind", "run_count", "at_once", "requested")
    list_filter = ("kind",)
    search_fields = ("name", "requested_by")
    actions_list = ("new",)
    page_url, new_url = "optimizer:batch-detail", "optimizer:batch-new"
    empty_title = "No batches yet"
    empty_text = "A batch optimizes several workers in one order; a matrix compares models and optimizers."

    def get_queryset(self, request: HttpRequest) -> QuerySet[Batch]:
        rows: QuerySet[Batch] = super().get_queryset(request)
        return rows.annotate(runs_n=Count("runs"), ended_n=Count("runs", filter=Q(runs__status__in=Run.ENDED)))

    @admin.display(description="Batch", ordering="name")
    def batch(self, row: Batch) -> SafeString:
        return self.link(row, row.name)

    @admin.display(description="Runs ended")
    def run_count(self, row: Batch) -> str:
        return f"{row.ended_n} of {row.runs_n}"  # type: ignore[attr-defined]

    @admin.display(description="Requested", ordering="created_at")
    def requested(self, row: Batch) -> str:
        return when(row.created_at)


@admin.register(ProgramVersion)
class VersionList(ListAdmin):
    list_display = ("version", "origin", "best", "made")
    list_filter = ("worker",)
    list_select_related = ("worker", "run__comparison")
    search_fields = ("worker__name", "fingerprint")
    ordering = ("-id",)
    page_url = "optimizer:version-detail"
    empty_title, empty_text = "No versions yet", "Every worker starts with version 0; runs make the others."

    @admin.display(description="Version")
    def version(self, row: ProgramVersion) -> SafeString:
        return self.link(row, row)

    @admin.display(description="From")
    def origin(self, row: ProgramVersion) -> str:
        return f"{row.run}, {row.run.optimizer}" if row.run else "as written"

    @admin.display(description="Test score when made")
    def best(self, row: ProgramVersion) -> str:
        comparison = getattr(row.run, "comparison", None)
        return f"{percent(comparison.numbers['after'])}, n={comparison.numbers['n']}" if comparison else "–"

    @admin.display(description="Made", ordering="created_at")
    def made(self, row: ProgramVersion) -> str:
        return when(row.created_at)


@admin.register(LanguageModel)
class LanguageModelList(ListAdmin):
    list_display = ("connection", "model_string", "price", "changed")
    search_fields = ("name", "model")
    actions_list = ("new",)
    page_url, new_url = "optimizer:language-model-edit", "optimizer:language-model-new"
    new_capability = Capability.ADMIN
    empty_title, empty_text = "No language models yet", "Connect a provider or a local server."

    @admin.display(description="Name", ordering="name")
    def connection(self, row: LanguageModel) -> SafeString:
        return self.link(row, row.name)

    @admin.display(description="Model string", ordering="model")
    def model_string(self, row: LanguageModel) -> str:
        return row.model

    @admin.display(description="Price per million tokens, in / out")
    def price(self, row: LanguageModel) -> str:
        if row.price_in is None or row.price_out is None:
            return "unpriced"
        return f"{money(float(row.price_in))} / {money(float(row.price_out))}"

    @admin.display(description="Changed", ordering="updated_at")
    def changed(self, row: LanguageModel) -> str:
        return when(row.updated_at)


@admin.register(ApiToken)
class TokenList(ListAdmin):
    list_display = ("name", "shown_prefix", "scope_list", "state", "used", "revoke")
    search_fields = ("name", "prefix")
    actions_list = ("new",)
    new_url = "optimizer:token-new"
    new_capability = Capability.ADMIN
    empty_title, empty_text = "No API tokens yet", "A token lets a script or service call the API."

    @admin.display(description="Begins with")
    def shown_prefix(self, row: ApiToken) -> str:
        return f"upl_{row.prefix}…"

    @admin.display(description="Scopes")
    def scope_list(self, row: ApiToken) -> str:
        return ", ".join(row.scopes)

    @admin.display(description="State")
    def state(self, row: ApiToken) -> str:
        if row.revoked_at:
            return "revoked"
        return format_html("until {}", when(row.expires_at)) if row.expires_at else "works"

    @admin.display(description="Last used", ordering="last_used_at")
    def used(self, row: ApiToken) -> str:
        return when(row.last_used_at)

    @admin.display(description="")
    def revoke(self, row: ApiToken) -> str:
        if row.revoked_at:
            return ""
        return format_html('<a class="up-cell" href="{}">Revoke</a>', reverse("optimizer:token-revoke", args=[row.pk]))


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


@admin.register(AuditEvent)
class AuditList(ListAdmin):
    list_display = ("number", "time", "actor", "verb", "object_name", "detail", "address")
    list_filter = ("verb", "actor_kind", "object_type", "created_at")
    show_full_result_count = False
    search_fields = ("actor", "verb", "object_name", "object_id", "address")
    actions_list = ("export",)
    empty_title, empty_text = "Nothing recorded yet", "Every change appears here: who, what, when, from where."

    def get_queryset(self, request: HttpRequest) -> QuerySet[AuditEvent]:
        """Who does not see everything sees what they did themselves."""
        rows: QuerySet[AuditEvent] = super().get_queryset(request)
        actor = actor_of(request)
        return rows if actor.teams is None else rows.filter(actor=actor.name)

    def has_export_permission(self, request: HttpRequest, *_: object) -> bool:
        return actor_of(request).can(Capability.ADMIN)

    @action(description="Export", icon="download", url_path="download", permissions=["export"])
    def export(self, request: HttpRequest) -> HttpResponse:
        return redirect("optimizer:audit-export")

    @admin.display(description="Time", ordering="number")
    def time(self, row: AuditEvent) -> str:
        return when(row.created_at)

    @admin.display(description="Detail")
    def detail(self, row: AuditEvent) -> str:
        return ", ".join(f"{key}: {_plain(value)}" for key, value in row.data.items() if value not in ("", None))


admin.site.unregister((User, Group))


@admin.register(User)
class PersonList(ListAdmin):
    list_display = ("person", "roles", "is_active", "last_seen")
    search_fields = ("username",)
    actions_list = ("new",)
    page_url, new_url = "optimizer:person-edit", "optimizer:person-new"
    new_capability = Capability.ADMIN
    empty_title = "No people"

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        rows: QuerySet[User] = super().get_queryset(request)
        return rows.prefetch_related("groups")

    @admin.display(description="User name", ordering="username")
    def person(self, row: User) -> SafeString:
        return self.link(row, row.username)

    @admin.display(description="Role")
    def roles(self, row: User) -> str:
        names = ", ".join(group.name for group in row.groups.all())
        return "admin (superuser)" if row.is_superuser else names or "none"

    @admin.display(description="Last sign-in", ordering="last_login")
    def last_seen(self, row: User) -> str:
        return when(row.last_login)
