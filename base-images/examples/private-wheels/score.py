"""Greets whoever the request names, in the words of a private package."""

import greetings


def init():
    pass


def run(raw_data):
    return greetings.greet(raw_data)
