"""Names of the background jobs; nothing else, so that services can enqueue without importing tasks."""

UPKEEP = "upkeep"  # a queue of its own: what must be prompt never waits behind an optimization

RUN_EXECUTE = "optimizer_app.run_execute"
FOLLOW_UP = "optimizer_app.follow_up"
REVIEW_SUGGEST = "optimizer_app.review_suggest"
QUALITY = "optimizer_app.quality"
DATASET_IMPORT = "optimizer_app.dataset_import"
RETENTION = "optimizer_app.retention"
TICK = "optimizer_app.tick"
STATS = "analytics.stats"
DELIVERIES = "analytics.deliveries"
INCIDENT = "analytics.incident"
REPORTS = "analytics.reports"
WATCH = "analytics.watch"
TRIGGERS = "analytics.triggers"
STATS_FORGET = "analytics.stats_forget"
