"""Tests of the documentation: its commands run, its generated page is up to date."""
