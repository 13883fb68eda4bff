"""Makes the models and the two big request bodies; run by scoreserve's own environment.

DIRECTORY/sklearn_digits_model.pkl   examples/digits, trained
DIRECTORY/logreg_iris.onnx           onnxruntime's bundled example
DIRECTORY/forest.pkl                 a random forest of 100 trees for the digits
DIRECTORY/frame_model.pkl            a logistic regression on 8 named columns of them
DIRECTORY/network.onnx               a network of one hidden layer, any number of rows of 64
DIRECTORY/big_model.pkl              the digits blown up to 28 by 28 pixels
DIRECTORY/big_rows.json              10,000 such images as JSON rows, 77 MB
DIRECTORY/image.ppm                  224 by 224 pixels, 150 kB
"""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import joblib
import numpy as np
import onnx
import pandas as pd
from onnx import TensorProto, helper, numpy_helper
from onnxruntime.datasets import get_example
from sklearn.datasets import load_digits
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression

TRAIN = Path(__file__).resolve().parent.parent / "examples" / "digits" / "train.py"
SEED = 0
BIG_ROWS = 10_000
SCALE, MARGIN = 3, 2  # 8 pixels become 3 * 8 + 2 * 2 = 28
DECIMALS = 6
IMAGE_SIDE = 224
FRAME_COLUMNS, FRAME_FROM = 8, 26  # columns of pixels in the middle
HIDDEN = 2048


def train_digits(directory: Path) -> None:
    """Train the example, but leave the example's own directory alone."""
    train = _example()
    train.MODEL_PATH = directory / "sklearn_digits_model.pkl"  # type: ignore[attr-defined]
    train.REQUEST_PATH = directory / "digits_request.json"  # type: ignore[attr-defined]
    train.LABELS_PATH = directory / "digits_labels.json"  # type: ignore[attr-defined]
    train.train()


def _example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("train", TRAIN)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def train_more_digits(directory: Path) -> None:
    """A model that costs more, and one that wants a frame."""
    pixels, labels = load_digits(return_X_y=True)
    forest = RandomForestClassifier(n_estimators=100, random_state=SEED).fit(pixels, labels)
    joblib.dump(forest, directory / "forest.pkl")
    columns = [f"pixel_{number}" for number in range(FRAME_COLUMNS)]
    frame = pd.DataFrame(pixels[:, FRAME_FROM : FRAME_FROM + FRAME_COLUMNS], columns=columns)
    joblib.dump(LogisticRegression(max_iter=500).fit(frame, labels), directory / "frame_model.pkl")


def make_network(directory: Path) -> None:
    """Random weights: what is measured does not depend on them."""
    random = np.random.default_rng(SEED)
    sizes = (64, HIDDEN, 10)
    weights = [
        numpy_helper.from_array((random.standard_normal(shape) / 8).astype(np.float32), name)
        for name, shape in (("first", sizes[:2]), ("second", sizes[1:]))
    ]
    nodes = [
        helper.make_node("MatMul", ["rows", "first"], ["hidden"]),
        helper.make_node("Relu", ["hidden"], ["positive"]),
        helper.make_node("MatMul", ["positive", "second"], ["scores"]),
    ]
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", size])
        for name, size in (("rows", sizes[0]), ("scores", sizes[2]))
    ]
    graph = helper.make_graph(nodes, "network", ends[:1], ends[1:], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, directory / "network.onnx")


def make_big(directory: Path) -> None:
    """The model and the rows of the 77 MB request."""
    pixels, labels = load_digits(return_X_y=True)
    small = (pixels / 16.0).reshape(-1, 8, 8)
    large = np.kron(small, np.ones((1, SCALE, SCALE)))
    padding = ((0, 0), (MARGIN, MARGIN), (MARGIN, MARGIN))
    images = np.pad(large, padding).reshape(len(large), -1)
    joblib.dump(LogisticRegression(max_iter=200).fit(images, labels), directory / "big_model.pkl")

    random = np.random.default_rng(SEED)
    chosen = images[random.integers(len(images), size=BIG_ROWS)]
    noisy = np.clip(0.8 * chosen + 0.2 * random.random(chosen.shape), 0, 1).round(DECIMALS)
    (directory / "big_rows.json").write_text(json.dumps(noisy.tolist()), encoding="utf-8")


def make_image(directory: Path) -> None:
    """A PPM of random pixels."""
    side = IMAGE_SIDE
    pixels = np.random.default_rng(SEED).integers(0, 256, size=(side, side, 3), dtype=np.uint8)
    # No pixel byte may look like white space to the header's split.
    pixels[0, 0, 0] = 255
    header = f"P6 {side} {side} 255\n".encode()
    (directory / "image.ppm").write_bytes(header + pixels.tobytes())


def main() -> None:
    """Make everything in the directory named by the only argument."""
    directory = Path(sys.argv[1])
    directory.mkdir(parents=True, exist_ok=True)
    train_digits(directory)
    train_more_digits(directory)
    make_network(directory)
    shutil.copyfile(get_example("logreg_iris.onnx"), directory / "logreg_iris.onnx")
    make_big(directory)
    make_image(directory)


if __name__ == "__main__":
    main()
