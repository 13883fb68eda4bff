"""Tests of `scoreserve.front.workers`."""
