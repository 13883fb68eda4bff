"""What workers report of merging, added up for metrics and readiness."""

from __future__ import annotations

import gc

from scoreserve.front.observe.batching_totals import BatchingTotals
from scoreserve.front.observe.counters import Metrics
from scoreserve.front.queue.dispatcher import Batching


class Worker:
    """Stands for a worker: counts are told apart by who reports them."""


def test_calls_and_fallbacks_are_counted() -> None:
    metrics = Metrics()
    batches = BatchingTotals(metrics)
    worker = Worker()
    batches.add(worker, {"merged": [[3, 5], [2, 2]], "fallbacks": {"raised": 2}})
    batches.add(worker, {"fallbacks": {"raised": 1, "no_rows": 4}})
    assert (metrics.batch_jobs.sum, metrics.batch_rows.sum) == (5, 7)
    details = batches.details(Batching(8, 0.01))
    assert details["merged_calls"] == 2
    assert details["merged_requests"] == 5
    assert details["ran_alone"] == {"raised": 3, "no_rows": 4}
    assert (details["requests_at_once"], details["wait_seconds"], details["off"]) == (8, 0.01, None)


def test_why_there_is_no_merging_is_told() -> None:
    batches = BatchingTotals(Metrics())
    assert batches.details(Batching(1, off="no setting"))["off"] == "no setting"


def test_what_one_worker_found_out_is_told_as_long_as_it_lives() -> None:
    batches = BatchingTotals(Metrics())
    one, other = Worker(), Worker()
    batches.add(one, {"off": "rows_differ"})
    batches.add(other, {"fallbacks": {"raised": 1}})
    assert batches.details(Batching(8))["off"] == "rows_differ"
    batches.add(one, {"off": ""})
    assert batches.details(Batching(8))["off"] is None
    batches.add(one, {"off": "rows_differ"})
    del one
    gc.collect()
    assert batches.details(Batching(8))["off"] is None
