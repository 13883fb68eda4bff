"""Tests of `scoreserve.cli`."""
