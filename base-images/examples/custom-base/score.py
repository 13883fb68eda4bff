"""Says which environment it runs in."""

import sys


def init():
    pass


def run(raw_data):
    return {"environment": sys.prefix}
