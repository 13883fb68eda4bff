"""Tests of `scoreserve.front.observe`."""
