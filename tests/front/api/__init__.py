"""Tests of `scoreserve.front.api`."""
