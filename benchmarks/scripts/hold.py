"""An entry script that holds the GIL: one call into C that lets no other thread run."""

import json
from timeit import repeat

CALIBRATION = 5_000_000


def init() -> None:
    """Find out how long one such call takes."""
    global seconds_each
    # The fastest of some: others may want this CPU too.
    seconds_each = min(repeat(lambda: sum(range(CALIBRATION)), number=1, repeat=3)) / CALIBRATION


def run(raw_data: str) -> dict[str, list[float]]:
    """Count until the seconds in the only row are over."""
    seconds = float(json.loads(raw_data)["data"][0][0])
    sum(range(int(seconds / seconds_each)))
    return {"held": [seconds]}
