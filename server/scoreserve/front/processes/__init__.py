"""Processes that the front starts for scoring, however they come about."""
