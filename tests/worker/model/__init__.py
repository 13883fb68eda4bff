"""Tests of `scoreserve.worker.model`."""
