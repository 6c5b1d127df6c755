"""Names of the background jobs; nothing else, so that services can enqueue without importing tasks."""

RUN_EXECUTE = "optimizer_app.run_execute"
TICK = "optimizer_app.tick"
