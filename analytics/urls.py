"""Routes of the pages that measure."""

from django.urls import path

from analytics.views import overview, results, search

app_name = "analytics"
urlpatterns = [
    path("", overview.overview_page, name="overview"),
    path("runs/<int:run_id>/result/", results.result_page, name="result"),
    path("runs/<int:run_id>/result/examples/", results.result_examples, name="result-examples"),
    path("runs/<int:run_id>/result/examples/<int:example_id>/", results.result_example, name="result-example"),
    path("runs/<int:run_id>/chart/", search.run_chart, name="run-chart"),
]
