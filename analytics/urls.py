"""Routes of the pages that measure."""

from django.urls import path

from analytics.views import (
    checklists,
    costs,
    effects,
    evaluations,
    histories,
    incidents,
    overview,
    prometheus,
    reports,
    results,
    search,
    trends,
    values,
    versus,
    watching,
)

app_name = "analytics"
urlpatterns = [
    path("", overview.overview_page, name="overview"),
    path("metrics", prometheus.metrics, name="prometheus"),
    path("portfolio/", values.portfolio_page, name="portfolio"),
    path("reports/", reports.reports_page, name="reports"),
    path("reports/preview/", reports.report_preview, name="report-preview"),
    path("reports/plans/<int:plan_id>/remove/", reports.plan_delete, name="plan-delete"),
    path("reports/links/<int:link_id>/close/", reports.link_close, name="link-close"),
    path("shared/<str:secret>/", reports.shared, name="shared"),
    path("incidents/", incidents.incident_list, name="incidents"),
    path("incidents/<int:incident_id>/", incidents.incident_detail, name="incident"),
    path("incidents/<int:incident_id>/<slug:change>/", incidents.incident_change, name="incident-change"),
    path("workers/<int:worker_id>/watch/", watching.watch_page, name="watch"),
    path("history/", histories.history_page, name="history"),
    path("workers/<int:worker_id>/trends/", trends.trends_page, name="trends"),
    path("workers/<int:worker_id>/notes/", trends.note_new, name="note-new"),
    path("notes/<int:note_id>/remove/", trends.note_delete, name="note-delete"),
    path("workers/<int:worker_id>/before-after/", effects.effect_page, name="effect"),
    path("workers/<int:worker_id>/value/", values.value_page, name="value"),
    path("workers/<int:worker_id>/costs/", costs.costs_page, name="costs"),
    path("workers/<int:worker_id>/compare/", versus.versus_page, name="versus"),
    path("workers/<int:worker_id>/checklist/", checklists.checklist_page, name="checklist"),
    path("workers/<int:worker_id>/evaluations/", evaluations.evaluations_page, name="evaluations"),
    path("workers/<int:worker_id>/evaluations/examples/", evaluations.evaluation_examples, name="evaluation-examples"),
    path("runs/<int:run_id>/result/", results.result_page, name="result"),
    path("runs/<int:run_id>/result/examples/", results.result_examples, name="result-examples"),
    path("runs/<int:run_id>/result/examples/<int:example_id>/", results.result_example, name="result-example"),
    path("runs/<int:run_id>/chart/", search.run_chart, name="run-chart"),
]
