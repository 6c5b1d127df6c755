"""The shell: what the sidebar lists, and Unfold's options."""

from typing import Any

from django.http import HttpRequest
from django.urls import reverse_lazy

COLORS = {
    "primary": {
        "50": "#eef6f4", "100": "#d6ebe6", "200": "#aed7ce", "300": "#7fbdb1", "400": "#4f9f91", "500": "#2f8577",
        "600": "#1f6b60", "700": "#1b574f", "800": "#194640", "900": "#173a36", "950": "#0a211f",
    },
}  # fmt: skip


def _item(title: str, icon: str, url_name: str, prefix: str) -> dict[str, Any]:
    def active(request: HttpRequest) -> bool:
        return request.path == prefix or (prefix != "/" and request.path.startswith(prefix))

    return {"title": title, "icon": icon, "link": reverse_lazy(url_name), "active": active}


UNFOLD = {
    "SITE_TITLE": "Uplift",
    "SITE_HEADER": "Uplift",
    "SITE_SYMBOL": "trending_up",
    "SITE_URL": None,
    "SHOW_HISTORY": False,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": False,
    "COLORS": COLORS,
    "STYLES": ["/static/css/uplift.css"],
    "SCRIPTS": ["/static/js/uplift.js"],
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": lambda request: "/static/img/favicon.svg"}],
    "ACCOUNT": {"navigation": [{"title": "Your account", "link": reverse_lazy("optimizer:account")}]},
    "SIDEBAR": {
        "show_search": False,
        "navigation": [
            {
                "items": [
                    _item("Overview", "space_dashboard", "analytics:overview", "/"),
                    _item("Incidents", "notification_important", "analytics:incidents", "/incidents/"),
                    _item("Value", "savings", "analytics:portfolio", "/portfolio/"),
                    _item("Reports", "summarize", "analytics:reports", "/reports/"),
                    _item("History", "timeline", "analytics:history", "/history/"),
                ]
            },
            {
                "title": "Optimize",
                "items": [
                    _item("Workers", "smart_toy", "admin:optimizer_app_worker_changelist", "/workers/"),
                    _item("Executions", "receipt_long", "optimizer:execution-list", "/executions/"),
                    _item("Datasets", "dataset", "admin:optimizer_app_dataset_changelist", "/datasets/"),
                    _item("Metrics", "straighten", "admin:optimizer_app_metric_changelist", "/metrics/"),
                    _item("Runs", "rocket_launch", "admin:optimizer_app_run_changelist", "/runs/"),
                    _item("Batches", "grid_view", "admin:optimizer_app_batch_changelist", "/batches/"),
                    _item("Versions", "history", "admin:optimizer_app_programversion_changelist", "/versions/"),
                ],
            },
            {
                "title": "Administer",
                "items": [
                    _item("Language models", "neurology", "admin:optimizer_app_languagemodel_changelist", "/models/"),
                    _item("Channels", "campaign", "analytics:channels", "/channels/"),
                    _item("API tokens", "key", "admin:optimizer_app_apitoken_changelist", "/tokens/"),
                    _item("People", "group", "admin:auth_user_changelist", "/people/"),
                    _item("Teams", "diversity_3", "optimizer:teams", "/teams/"),
                    _item("Audit log", "fact_check", "admin:optimizer_app_auditevent_changelist", "/audit/"),
                    _item("API", "api", "api:openapi-view", "/api/"),
                ],
            },
        ],
    },
}
