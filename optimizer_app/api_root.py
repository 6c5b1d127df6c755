"""The one API object: routers, errors, authentication."""

from ninja import NinjaAPI

from optimizer_app.api import (
    batches,
    candidates,
    datasets,
    executions,
    language_models,
    metrics,
    runs,
    versions,
    workers,
)
from optimizer_app.api.auth import TokenAuth, may_read_docs
from optimizer_app.common.ninja import PersonAuth, StrictParser, documented, use_problems

api = NinjaAPI(
    title="Uplift",
    version="1",
    description="Errors are problem+json (RFC 9457). Authenticate with `Authorization: Bearer upl_…`.",
    urls_namespace="api",
    auth=[TokenAuth(), PersonAuth()],
    parser=StrictParser(),
    docs_decorator=documented(may_read_docs),
)
use_problems(api)
api.add_router("/workers", workers.router)
api.add_router("/datasets", datasets.router)
api.add_router("/metrics", metrics.router)
api.add_router("/language-models", language_models.router)
api.add_router("/runs", runs.router)
api.add_router("/runs", candidates.router)
api.add_router("/batches", batches.router)
api.add_router("/executions", executions.router)
api.add_router("/versions", versions.router)
# by name: optimizer_app never imports analytics
api.add_router("/measures", "analytics.api.measures.router")
api.add_router("/measures", "analytics.api.evaluations.router")
api.add_router("/events", "analytics.api.events.router")
