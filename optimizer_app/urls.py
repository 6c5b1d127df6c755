"""All routes."""

from django.contrib import admin
from django.urls import include, path

from optimizer_app.api import traces
from optimizer_app.api_root import api
from optimizer_app.views import (
    batches,
    candidates,
    collection,
    dataset_versions,
    datasets,
    executions,
    health,
    language_models,
    metrics,
    people,
    playground,
    review,
    run_watch,
    runs,
    versions,
    workers,
)

pages = [
    path("workers/new/", workers.worker_new, name="worker-new"),
    path("workers/<int:worker_id>/", workers.worker_detail, name="worker-detail"),
    path("workers/<int:worker_id>/edit/", workers.worker_edit, name="worker-edit"),
    path("workers/<int:worker_id>/rollback/", workers.worker_roll_back, name="worker-rollback"),
    path("workers/<int:worker_id>/two-people/", workers.worker_ask_two_people, name="worker-two-people"),
    path("workers/<int:worker_id>/playground/", playground.playground, name="playground"),
    path("workers/<int:worker_id>/optimize/", runs.run_new, name="run-new"),
    path("workers/<int:worker_id>/optimize/quote/", runs.run_quote_part, name="run-quote"),
    path("workers/<int:worker_id>/optimize/parameters/", runs.run_parameters, name="run-parameters"),
    path("workers/<int:worker_id>/optimize/pilot/", runs.run_pilot, name="run-pilot"),
    path("workers/<int:worker_id>/matrix/", batches.matrix_new, name="matrix-new"),
    path("workers/<int:worker_id>/collection/", collection.collection, name="collection"),
    path("workers/<int:worker_id>/collection/rules/", collection.rule_new, name="rule-new"),
    path("workers/<int:worker_id>/collection/retention/", collection.retention_set, name="retention"),
    path("workers/<int:worker_id>/privacy/", collection.privacy, name="privacy"),
    path("rules/<int:rule_id>/", collection.rule_change, name="rule-change"),
    path("erasure/", collection.erasure, name="erasure"),
    path("executions/", executions.execution_list, name="execution-list"),
    path("executions/<uuid:uid>/", executions.execution_detail, name="execution-detail"),
    path("executions/<uuid:uid>/verdict/", executions.execution_verdict, name="execution-verdict"),
    path("executions/<uuid:uid>/review/", executions.execution_review, name="execution-review"),
    path("datasets/<int:dataset_id>/review/", review.review_queue, name="review-queue"),
    path("datasets/<int:dataset_id>/review/bulk/", review.review_bulk, name="review-bulk"),
    path("datasets/<int:dataset_id>/review/suggest/", review.review_suggest, name="review-suggest"),
    path("datasets/<int:dataset_id>/review/two-people/", review.review_two_people, name="review-two-people"),
    path("review/<int:item_id>/", review.review_decide, name="review-decide"),
    path("datasets/new/", datasets.dataset_new, name="dataset-new"),
    path("datasets/<int:dataset_id>/", datasets.dataset_detail, name="dataset-detail"),
    path("datasets/<int:dataset_id>/upload/", datasets.dataset_upload, name="dataset-upload"),
    path("datasets/<int:dataset_id>/freeze/", datasets.dataset_freeze_page, name="dataset-freeze"),
    path("datasets/imports/<int:import_id>/", datasets.import_map, name="import-map"),
    path("datasets/<int:dataset_id>/quality/", dataset_versions.dataset_quality, name="dataset-quality"),
    path("datasets/<int:dataset_id>/export/<slug:kind>/", dataset_versions.dataset_export, name="dataset-export"),
    path(
        "datasets/versions/<int:dataset_version_id>/", dataset_versions.dataset_version_detail, name="dataset-version"
    ),
    path(
        "datasets/versions/<int:dataset_version_id>/export/<slug:kind>/",
        dataset_versions.dataset_version_export,
        name="dataset-version-export",
    ),
    path(
        "datasets/versions/<int:dataset_version_id>/fork/",
        dataset_versions.dataset_version_fork,
        name="dataset-version-fork",
    ),
    path(
        "datasets/versions/<int:dataset_version_id>/restore/",
        dataset_versions.dataset_version_restore,
        name="dataset-version-restore",
    ),
    path("metrics/new/", metrics.metric_new, name="metric-new"),
    path("metrics/parameters/", metrics.metric_parameters, name="metric-parameters"),
    path("metrics/<int:metric_id>/", metrics.metric_detail, name="metric-detail"),
    path("metrics/answers/<int:score_id>/verdict/", metrics.verdict_new, name="verdict-new"),
    path("models/new/", language_models.language_model_form, name="language-model-new"),
    path("models/price/", language_models.language_model_price, name="language-model-price"),
    path("models/<int:model_id>/", language_models.language_model_form, name="language-model-edit"),
    path("models/<int:model_id>/test/", language_models.language_model_test, name="language-model-test"),
    path("runs/<int:run_id>/", run_watch.run_detail, name="run-detail"),
    path("runs/<int:run_id>/live/", run_watch.run_live, name="run-live"),
    path("runs/<int:run_id>/stop/", run_watch.run_stop_now, name="run-stop"),
    path("runs/<int:run_id>/pause/", run_watch.run_pause_now, name="run-pause"),
    path("runs/<int:run_id>/resume/", run_watch.run_resume_now, name="run-resume"),
    path("runs/<int:run_id>/ablation/", candidates.ablation_now, name="run-ablation"),
    path("runs/<int:run_id>/candidates/<int:number>/", candidates.candidate_detail, name="candidate-detail"),
    path("runs/<int:run_id>/candidates/<int:number>/test/", candidates.candidate_test_now, name="candidate-test"),
    path("batches/new/", batches.batch_new, name="batch-new"),
    path("batches/<int:batch_id>/", batches.batch_detail, name="batch-detail"),
    path("batches/<int:batch_id>/stop/", batches.batch_stop_now, name="batch-stop"),
    path("versions/<int:version_id>/", versions.version_detail, name="version-detail"),
    path("versions/<int:version_id>/promote/", versions.version_promote_now, name="version-promote"),
    path("people/new/", people.person_new, name="person-new"),
    path("people/<int:person_id>/", people.person_edit, name="person-edit"),
    path("tokens/new/", people.token_new, name="token-new"),
    path("tokens/<int:token_id>/revoke/", people.token_revoke_page, name="token-revoke"),
]

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("api/v1/", api.urls),
    path("v1/traces", traces.collect, name="otlp-traces"),
    path("", include("analytics.urls")),
    path("", include((pages, "optimizer"))),
    path("", admin.site.urls),
]
handler400 = "optimizer_app.views.errors.bad_request"
handler403 = "optimizer_app.views.errors.forbidden"
handler404 = "optimizer_app.views.errors.not_found"
handler500 = "optimizer_app.views.errors.broken"
