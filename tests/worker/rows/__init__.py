"""Tests of `scoreserve.worker.rows`."""
