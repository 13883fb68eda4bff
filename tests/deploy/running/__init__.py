"""Tests of what runs services, without an engine."""
