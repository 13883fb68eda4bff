"""Calls of run() that are under way together and meet in a known model's predict."""
