"""Conda's environment files, and how to honour them with or without conda."""
