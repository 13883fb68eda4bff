"""The scenarios: which entry script is served, which request is posted, what is measured.

All JSON requests have one form, {"data": rows}, so that a peer with a protocol of its own can carry
the same rows. To add a scenario, write a function that returns one and put it into SCENARIOS.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.environments import MODELS

HERE = Path(__file__).resolve().parent
DIGITS = HERE.parent / "examples" / "digits"
SCRIPTS = HERE / "scripts"

JSON = "application/json"
HOLD_SECONDS = 5.0
MAX_BATCH_SIZE = 64
BATCH_WAIT_MS = 1

# What is done with a scenario; procedures.py has one function for each.
CLOSED = "closed"  # wrk, at several numbers of connections
OPEN = "open"  # at fixed rates, latency from the scheduled time of each request
BODY = "body"  # one big request at a time: its time, and the peak of memory
PROBES = "probes"  # health probes while run() holds the GIL
COLD = "cold"  # from process start to the first 200
MEMORY = "memory"  # of the process tree, by number of workers

AXES = {CLOSED: "connections", OPEN: "requests/s", MEMORY: "workers"}


@dataclass(frozen=True)
class Scenario:
    """One entry script and one request, measured in one way.

    The request is {"data": rows}, with the rows in `rows` or `rows_file`, or else `body_file`, sent
    as it is. `work` names what the peers serve (peers/work.py).
    """

    name: str
    about: str
    work: str
    entry_script: Path
    model_dir: Path = MODELS
    rows: str = "[]"
    rows_file: Path | None = None
    shape: tuple[int, ...] = (0,)
    body_file: Path | None = None
    content_type: str = JSON
    procedure: str = CLOSED
    max_batch_size: int = 1
    batch_wait_ms: int = 0
    scripts_only: bool = False  # what a peer would have to serve is another thing

    @property
    def rows_text(self) -> str:
        """The rows as JSON."""
        return self.rows_file.read_text(encoding="utf-8") if self.rows_file else self.rows

    @property
    def body(self) -> bytes:
        """What an Azure ML client posts."""
        if self.body_file:
            return self.body_file.read_bytes()
        return f'{{"data": {self.rows_text}}}'.encode()

    @property
    def is_json(self) -> bool:
        """Whether the body is, or any bytes else."""
        return self.content_type == JSON


def noop() -> Scenario:
    """The server alone: run() returns a constant."""
    return Scenario(
        name="noop",
        about="run() returns a constant",
        work="noop",
        entry_script=SCRIPTS / "noop.py",
        model_dir=SCRIPTS,
    )


def digits() -> Scenario:
    """One row to the scikit-learn model of examples/digits."""
    sample = json.loads((DIGITS / "sample_request.json").read_text(encoding="utf-8"))
    return Scenario(
        name="digits",
        about="one row of 64 pixels to scikit-learn, one run() a request",
        work="digits",
        entry_script=DIGITS / "score.py",
        rows=json.dumps(sample["data"][:1]),
        shape=(1, 64),
    )


def digits_batching() -> Scenario:
    """The same, with the batching of each server that has any."""
    return replace(
        digits(),
        name="digits_batching",
        about="one row of 64 pixels to scikit-learn, batching on where a server has it",
        max_batch_size=MAX_BATCH_SIZE,
        batch_wait_ms=BATCH_WAIT_MS,
    )


def digits_rates() -> Scenario:
    """The same at fixed rates."""
    return replace(
        digits_batching(),
        name="digits_rates",
        about="the same with batching, arriving at random at a fixed mean rate",
        procedure=OPEN,
    )


def forest() -> Scenario:
    """A model that costs more, with the batching of each server that has any."""
    return replace(
        digits_batching(),
        name="forest",
        about="one row of 64 pixels to a random forest of 100 trees, batching on",
        work="forest",
        entry_script=SCRIPTS / "forest.py",
    )


def network() -> Scenario:
    """The same with onnxruntime."""
    about = "one row to a network of 2,048 hidden units in ONNX, batching on"
    return replace(_scripts_only("network", about), rows=digits().rows)


def record() -> Scenario:
    """A body without rows: nothing in it could be merged."""
    about = "one record a request, label and probability, batching on"
    return replace(_scripts_only("record", about), rows=_first_row())


def raw_record() -> Scenario:
    """The same as a @rawhttp script takes it."""
    about = "one record a request to a @rawhttp script, batching on"
    return replace(_scripts_only("raw_record", about), rows=_first_row())


def frame() -> Scenario:
    """What AutoML writes."""
    record = {f"pixel_{number}": float(number) for number in range(8)}
    about = "one record of 8 columns, @input_schema with a pandas sample, batching on"
    return replace(_scripts_only("frame", about), rows=json.dumps([record]))


def _scripts_only(name: str, about: str) -> Scenario:
    return Scenario(
        name=name,
        about=about,
        work=name,
        entry_script=SCRIPTS / f"{name}.py",
        max_batch_size=MAX_BATCH_SIZE,
        batch_wait_ms=BATCH_WAIT_MS,
        scripts_only=True,
    )


def _first_row() -> str:
    row: list[float] = json.loads(digits().rows)[0]
    return json.dumps(row)


def iris() -> Scenario:
    """onnxruntime's example model."""
    return Scenario(
        name="iris",
        about="3 rows of 2 numbers to onnxruntime's logreg_iris.onnx",
        work="iris",
        entry_script=SCRIPTS / "iris.py",
        rows="[[5.1, 3.5], [4.9, 3.0], [6.7, 3.1]]",  # the model's input has this fixed shape
        shape=(3, 2),
    )


def image() -> Scenario:
    """Raw bytes."""
    return Scenario(
        name="image",
        about="the bytes of an image of 224 by 224 pixels (150 kB), the mean of each colour",
        work="image",
        entry_script=SCRIPTS / "image.py",
        body_file=MODELS / "image.ppm",
        content_type="image/x-portable-pixmap",
    )


def big() -> Scenario:
    """A body near the limit of 100 MB."""
    return Scenario(
        name="big",
        about="10,000 rows of 784 numbers, 77 MB of JSON, one request at a time",
        work="big",
        entry_script=SCRIPTS / "big.py",
        rows_file=MODELS / "big_rows.json",
        shape=(10_000, 784),
        procedure=BODY,
    )


def hold() -> Scenario:
    """Probes beside a busy run()."""
    return Scenario(
        name="hold",
        about="a health probe every 50 ms while run() holds the GIL for about 5 s",
        work="hold",
        entry_script=SCRIPTS / "hold.py",
        rows=f"[[{HOLD_SECONDS}]]",
        shape=(1, 1),
        procedure=PROBES,
    )


def cold() -> Scenario:
    """Start-up."""
    return replace(
        noop(),
        name="cold",
        about="process start to the first 200, no-op script",
        procedure=COLD,
    )


def memory() -> Scenario:
    """Memory by number of workers."""
    return replace(
        digits(),
        name="memory",
        about="memory of all processes after a second of load, digits model",
        procedure=MEMORY,
    )


SCENARIOS: dict[str, Callable[[], Scenario]] = {
    each.__name__: each
    for each in (
        *(noop, digits, digits_batching, digits_rates, iris),
        *(forest, network, record, raw_record, frame),
        *(image, big, hold, cold, memory),
    )
}
