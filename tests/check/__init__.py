"""Tests of `scoreserve.check`."""
