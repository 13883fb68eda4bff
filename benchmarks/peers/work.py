"""What every peer serves: the work of the entry scripts in ../scripts, without their JSON.

A peer decodes its request by its own means and hands over the rows (or the raw bytes), so that each
server is compared with what it does best. `score` answers one request; `score_many` answers several
with one call of the model, for servers that batch.
"""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path
from timeit import repeat
from typing import Any

Reply = Any  # what is answered as JSON


class Work(ABC):
    """One scenario's init() and run(); `reply` is the type of a reply, for servers that want it."""

    reply: Any = dict[str, list[float]]

    def load(self, models: Path) -> None:  # noqa: B027 - not all have something to load
        """Load the model, once a process; nothing by default."""

    @abstractmethod
    def score(self, data: Any) -> Reply:
        """The reply to one request: rows (n, features), or the bytes of an image."""

    def score_many(self, requests: list[Any]) -> list[Reply]:
        """The replies to several requests, in their order."""
        return [self.score(data) for data in requests]


class Noop(Work):
    """A constant: the server alone."""

    reply = dict[str, list[int]]

    def score(self, data: Any) -> Reply:
        """The same reply to every request."""
        return {"result": [0]}


class Rows(Work):
    """A model that predicts one label a row, hardly slower for many rows than for one."""

    reply = list[int]

    @abstractmethod
    def predict(self, rows: Any) -> Any:
        """Labels (n,) of rows (n, features)."""

    def score(self, data: Any) -> Reply:
        """One call of the model."""
        import numpy as np

        labels: list[int] = self.predict(np.asarray(data, dtype=float)).tolist()
        return labels

    def score_many(self, requests: list[Any]) -> list[Reply]:
        """One call of the model for all, its labels divided by the requests' numbers of rows."""
        labels = iter(self.score([row for data in requests for row in data]))
        return [[next(labels) for _ in data] for data in requests]


class Joblib(Rows):
    """A scikit-learn model."""

    def __init__(self, file: str) -> None:
        """`file` is the name of the model in the model directory."""
        self.file = file

    def load(self, models: Path) -> None:
        """Unpickle the model."""
        import joblib

        self.model = joblib.load(models / self.file)

    def predict(self, rows: Any) -> Any:
        """The model's own predict()."""
        return self.model.predict(rows)


class Iris(Rows):
    """onnxruntime's own example model."""

    def load(self, models: Path) -> None:
        """Open a session."""
        import onnxruntime

        self.session = onnxruntime.InferenceSession(models / "logreg_iris.onnx")

    def predict(self, rows: Any) -> Any:
        """Labels: the first of the model's two outputs."""
        import numpy as np

        name = self.session.get_inputs()[0].name
        return self.session.run(None, {name: rows.astype(np.float32)})[0]


class Image(Work):
    """The mean of each colour of a binary PPM image."""

    def score(self, data: Any) -> Reply:
        """Means of red, green and blue."""
        import numpy as np

        _, width, height, _, pixels = bytes(data).split(maxsplit=4)
        colours = np.frombuffer(pixels, np.uint8).reshape(int(height), int(width), 3)
        return {"mean": colours.mean(axis=(0, 1)).round(3).tolist()}


class Hold(Work):
    """Holds the GIL for as long as the only row says: one C call that lets no other thread run."""

    def load(self, models: Path) -> None:
        """Find out how long one such call takes."""
        # The fastest of some: others may want this CPU too.
        self.seconds_each = (
            min(repeat(lambda: sum(range(CALIBRATION)), number=1, repeat=3)) / CALIBRATION
        )

    def score(self, data: Any) -> Reply:
        """Count until the time is over."""
        seconds = float(data[0][0])
        sum(range(int(seconds / self.seconds_each)))
        return {"held": [seconds]}


CALIBRATION = 5_000_000

WORKS: dict[str, Work] = {
    "noop": Noop(),
    "digits": Joblib("sklearn_digits_model.pkl"),
    "iris": Iris(),
    "forest": Joblib("forest.pkl"),
    "big": Joblib("big_model.pkl"),
    "image": Image(),
    "hold": Hold(),
}


@dataclass(frozen=True)
class Configuration:
    """What the benchmark tells a peer, in environment variables."""

    name: str
    port: int
    workers: int
    max_batch_size: int  # 1: no batching
    batch_wait_ms: int

    @property
    def batching(self) -> bool:
        """Whether requests are to be scored together."""
        return self.max_batch_size > 1


def configuration() -> Configuration:
    """From the environment; servers.py sets it."""
    return Configuration(
        name=os.environ["BENCH_WORK"],
        port=int(os.environ["BENCH_PORT"]),
        workers=int(os.environ["BENCH_WORKERS"]),
        max_batch_size=int(os.environ["BENCH_MAX_BATCH_SIZE"]),
        batch_wait_ms=int(os.environ["BENCH_BATCH_WAIT_MS"]),
    )


def load_work() -> Work:
    """The configured work with its model loaded."""
    work = WORKS[os.environ["BENCH_WORK"]]
    work.load(Path(os.environ["AZUREML_MODEL_DIR"]))
    return work
