"""Tests of `scoreserve.front.queue`."""
