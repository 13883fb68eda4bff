"""An entry script that waits, as for a feature store or a GPU: a median of 20 ms, some of 60."""

import random
import time

MEDIAN_SECONDS = 0.02
SPREAD = 0.5  # of the logarithm


def init() -> None:
    """Nothing to load."""


def run(raw_data: str) -> str:
    """Give the body back, later."""
    time.sleep(MEDIAN_SECONDS * random.lognormvariate(0, SPREAD))
    return raw_data
