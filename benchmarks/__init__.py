"""Measures scoreserve beside other servers; README.md in this directory says how."""
