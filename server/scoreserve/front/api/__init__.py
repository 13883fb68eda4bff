"""Paths to answers: the Starlette application, its endpoints and the score handler."""
