"""Tests of what `scoreserve bench` is made of."""
