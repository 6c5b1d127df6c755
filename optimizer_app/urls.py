"""All routes."""

from django.contrib import admin
from django.urls import include, path

from optimizer_app.api_root import api
from optimizer_app.views import (
    datasets,
    health,
    language_models,
    metrics,
    people,
    playground,
    runs,
    versions,
    workers,
)

pages = [
    path("workers/new/", workers.worker_new, name="worker-new"),
    path("workers/<int:worker_id>/", workers.worker_detail, name="worker-detail"),
    path("workers/<int:worker_id>/edit/", workers.worker_edit, name="worker-edit"),
    path("workers/<int:worker_id>/rollback/", workers.worker_roll_back, name="worker-rollback"),
    path("workers/<int:worker_id>/playground/", playground.playground, name="playground"),
    path("workers/<int:worker_id>/optimize/", runs.run_new, name="run-new"),
    path("datasets/new/", datasets.dataset_new, name="dataset-new"),
    path("datasets/<int:dataset_id>/", datasets.dataset_detail, name="dataset-detail"),
    path("datasets/<int:dataset_id>/upload/", datasets.dataset_upload, name="dataset-upload"),
    path("datasets/<int:dataset_id>/freeze/", datasets.dataset_freeze_page, name="dataset-freeze"),
    path("datasets/imports/<int:import_id>/", datasets.import_map, name="import-map"),
    path("metrics/new/", metrics.metric_new, name="metric-new"),
    path("metrics/parameters/", metrics.metric_parameters, name="metric-parameters"),
    path("metrics/<int:metric_id>/", metrics.metric_detail, name="metric-detail"),
    path("models/new/", language_models.language_model_form, name="language-model-new"),
    path("models/price/", language_models.language_model_price, name="language-model-price"),
    path("models/<int:model_id>/", language_models.language_model_form, name="language-model-edit"),
    path("models/<int:model_id>/test/", language_models.language_model_test, name="language-model-test"),
    path("runs/plan/", runs.run_plan_part, name="run-plan"),
    path("runs/parameters/", runs.run_parameters, name="run-parameters"),
    path("runs/<int:run_id>/", runs.run_detail, name="run-detail"),
    path("runs/<int:run_id>/live/", runs.run_live, name="run-live"),
    path("runs/<int:run_id>/stop/", runs.run_stop_now, name="run-stop"),
    path("versions/<int:version_id>/", versions.version_detail, name="version-detail"),
    path("versions/<int:version_id>/promote/", versions.version_promote_now, name="version-promote"),
    path("people/new/", people.person_new, name="person-new"),
    path("people/<int:person_id>/", people.person_edit, name="person-edit"),
    path("tokens/new/", people.token_new, name="token-new"),
    path("tokens/<int:token_id>/revoke/", people.token_revoke_page, name="token-revoke"),
]

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("api/v1/", api.urls),
    path("", include("analytics.urls")),
    path("", include((pages, "optimizer"))),
    path("", admin.site.urls),
]
handler400 = "optimizer_app.views.errors.bad_request"
handler403 = "optimizer_app.views.errors.forbidden"
handler404 = "optimizer_app.views.errors.not_found"
handler500 = "optimizer_app.views.errors.broken"
