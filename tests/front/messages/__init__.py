"""Tests of `scoreserve.front.messages`."""
