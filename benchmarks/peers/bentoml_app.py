"""BentoML: a service class with one API; `bentoml serve benchmarks.peers.bentoml_app:Score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import bentoml
import numpy as np
from bentoml.validators import ContentType

from benchmarks.peers.work import configuration, load_work

config = configuration()
SECONDS = 60  # a request may take: the long run() holds on for five

# BentoML drops what would wait longer than this; it finds the batch's window by itself.
MAX_LATENCY_MS = 1000


class Loaded:
    """Loads the model, once a worker."""

    def __init__(self) -> None:
        """Called by BentoML in each worker."""
        self.work = load_work()


if config.name == "image":

    @bentoml.service(name="score", workers=config.workers, traffic={"timeout": SECONDS})
    class Score(Loaded):
        """Raw bytes come as a file."""

        @bentoml.api(route="/score")
        def score(self, image: Annotated[Path, ContentType("image/x-portable-pixmap")], /) -> dict:  # type: ignore[type-arg]
            """The bytes of the file."""
            reply: dict[str, Any] = self.work.score(image.read_bytes())
            return reply

elif config.batching:

    @bentoml.service(name="score", workers=config.workers, traffic={"timeout": SECONDS})
    class Score(Loaded):  # type: ignore[no-redef]
        """Adaptive batching along the first dimension."""

        @bentoml.api(
            route="/score",
            batchable=True,
            max_batch_size=config.max_batch_size,
            max_latency_ms=MAX_LATENCY_MS,
        )
        def score(self, data: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
            """BentoML concatenates the requests' rows and divides the labels."""
            return np.asarray(self.work.score(data))

elif config.name in {"noop", "hold"}:

    @bentoml.service(name="score", workers=config.workers, traffic={"timeout": SECONDS})
    class Score(Loaded):  # type: ignore[no-redef]
        """Replies that are objects."""

        @bentoml.api(route="/score")
        def score(self, data: list[list[float]]) -> dict:  # type: ignore[type-arg]
            """Rows as lists."""
            reply: dict[str, Any] = self.work.score(data)
            return reply

else:

    @bentoml.service(name="score", workers=config.workers, traffic={"timeout": SECONDS})
    class Score(Loaded):  # type: ignore[no-redef]
        """Rows as an array, as BentoML's documentation has it for scikit-learn."""

        @bentoml.api(route="/score")
        def score(self, data: np.ndarray) -> np.ndarray:  # type: ignore[type-arg]
            """One call of the model."""
            return np.asarray(self.work.score(data))
