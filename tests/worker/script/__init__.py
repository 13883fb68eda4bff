"""Tests of `scoreserve.worker.script`."""
