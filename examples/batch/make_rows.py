"""Writes images of digits to score: NUMBER rows of 8 by 8 pixels, from 0 to 1.

    python make_rows.py rows.parquet [NUMBER] [--names]

The images are those that ship with scikit-learn, over and over, with some noise. A file whose name
ends with .csv is CSV; any other is parquet, in row groups of 2,000 rows.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.datasets import load_digits

MAX_INTENSITY = 16.0  # of a pixel in load_digits
NOISE = 0.05
SEED = 0
ROW_GROUP = 2000


def rows(number: int, *, names: bool) -> pd.DataFrame:
    """A frame with the columns p0 to p63, and before them `image`, if they are to have names."""
    pixels, _ = load_digits(return_X_y=True)
    random = np.random.default_rng(SEED)
    chosen = pixels[np.arange(number) % len(pixels)] / MAX_INTENSITY
    noisy = (chosen + random.normal(0, NOISE, chosen.shape)).clip(0, 1).round(4)
    frame = pd.DataFrame(noisy, columns=[f"p{column}" for column in range(pixels.shape[1])])
    if names:
        frame.insert(0, "image", [f"image-{row:05}" for row in range(number)])
    return frame


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("file", type=Path)
    parser.add_argument("number", type=int, nargs="?", default=10_000)
    parser.add_argument("--names", action="store_true", help="with a column `image`")
    options = parser.parse_args()
    frame = rows(options.number, names=options.names)
    if options.file.suffix == ".csv":
        frame.to_csv(options.file, index=False)
    else:
        frame.to_parquet(options.file, index=False, row_group_size=ROW_GROUP)
    print(f"wrote {len(frame)} rows to {options.file}")


if __name__ == "__main__":
    main()
