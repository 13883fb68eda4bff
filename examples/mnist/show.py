"""Print the confusion matrix of the answers to request.json, and draw it and 30 of the images.

Written files:
    confusion.png   which digits were taken for which others
    samples.png     30 images drawn by lot; wrong answers are red, on the image's negative
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import numpy.typing as npt
from images import DIGITS, SIDE
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

HERE = Path(__file__).resolve().parent
SAMPLES = 30
SAMPLES_A_ROW = 10
SEED = 0  # of the lot, so that the same answers give the same pictures
DOTS_PER_INCH = 144
DARK = 0.5  # from this share of the most frequent error on, a cell's number is white


def read(path: Path) -> Any:
    """What a file of JSON holds. Raises SystemExit where it cannot be read."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SystemExit(f"{path}: cannot be read: {error}") from None


def read_answers(path: Path, rows: int) -> npt.NDArray[np.int64]:
    """One digit for each row. Raises SystemExit where the file has anything else."""
    answers = read(path)
    if not isinstance(answers, list) or len(answers) != rows:
        raise SystemExit(f"{path}: expected a list of {rows:,} digits, found {str(answers)[:80]}")
    return np.array(answers)


def draw_confusion(matrix: npt.NDArray[np.int64]) -> Figure:
    """The matrix, of shape (10, 10), with its counts; the darker, the more frequent the error."""
    errors = matrix / matrix.sum(axis=1, keepdims=True)
    np.fill_diagonal(errors, 0)  # or the errors would all look alike beside it
    figure = Figure(figsize=(5, 5), layout="constrained")
    axes = figure.add_subplot(
        xlabel="answer", ylabel="digit in the image", xticks=range(DIGITS), yticks=range(DIGITS)
    )
    axes.imshow(errors, cmap="Greys")
    for (row, column), count in np.ndenumerate(matrix):
        is_dark = errors[row, column] > DARK * errors.max()
        color = "white" if is_dark else "C0" if row == column else "black"
        axes.text(column, row, str(count), color=color, ha="center", va="center", size=9)
    return figure


def draw_samples(pixels: npt.NDArray[Any], digits: npt.NDArray[Any], answers: Any) -> Figure:
    """Images of shape (n, 784) with the answers below; red and negative where these are wrong."""
    rows = -(-len(pixels) // SAMPLES_A_ROW)
    figure = Figure(figsize=(SAMPLES_A_ROW, 1.3 * rows), layout="constrained")
    for place, (image, digit, answer) in enumerate(zip(pixels, digits, answers, strict=True)):
        wrong = digit != answer
        axes = figure.add_subplot(rows, SAMPLES_A_ROW, place + 1, xticks=[], yticks=[])
        axes.imshow(image.reshape(SIDE, SIDE), cmap="gray" if wrong else "Greys")
        text = f"{answer}, is {digit}" if wrong else str(answer)
        axes.set_xlabel(text, color="red" if wrong else "black", size=14)
    return figure


def main() -> None:
    """Compare, print, draw."""
    parser = argparse.ArgumentParser(description="Show how good the answers are.")
    parser.add_argument("answer", type=Path, help="what the service answered to request.json")
    parser.add_argument("--to", metavar="DIR", type=Path, default=HERE, help="of the pictures")
    options = parser.parse_args()
    digits = np.array(read(HERE / "digits.json"))
    answers = read_answers(options.answer, len(digits))
    matrix = confusion_matrix(digits, answers, labels=range(DIGITS))
    print(matrix)
    print(f"Overall accuracy: {np.average(answers == digits):.4f}")

    pixels = np.array(read(HERE / "request.json")["data"])
    chosen = np.random.default_rng(SEED).permutation(len(digits))[:SAMPLES]
    mpl.rcParams["font.family"] = "DejaVu Sans"  # matplotlib's own: the same on every machine
    for name, figure in (
        ("confusion.png", draw_confusion(matrix)),
        ("samples.png", draw_samples(pixels[chosen], digits[chosen], answers[chosen])),
    ):
        figure.savefig(options.to / name, dpi=DOTS_PER_INCH, metadata={"Software": None})
        print(f"wrote {options.to / name}")


if __name__ == "__main__":
    main()
