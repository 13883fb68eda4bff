"""A process that runs init() once, and of which the scoring workers are forked (WORKER_PRELOAD)."""
