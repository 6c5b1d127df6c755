"""Names of the background jobs; nothing else, so that services can enqueue without importing tasks."""

# Queues: what must be prompt never waits behind an optimization, nor a message behind the counting of executions.
RUNS = "celery"  # Celery's own default
UPKEEP = "upkeep"  # the schedule, and what looks after runs, triggers and limits
STATISTICS = "statistics"
ALERTS = "alerts"
PROMPT = (UPKEEP, STATISTICS, ALERTS)

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
