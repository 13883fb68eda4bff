"""Tests of `scoreserve.front.http`."""
