"""What is to be done: plain data that every process of a job is given."""

from __future__ import annotations

import enum
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import NamedTuple

MAX_TRIES = 3  # run_max_try of ParallelRunStep
RUN_TIMEOUT_SECONDS = 60  # run_invocation_timeout of ParallelRunStep

# What a process ends with, as ParallelRunStep's do.
EXIT_TIMEOUT = 71
EXIT_INIT = 72
EXIT_TOO_MANY_FAILED = 73
MOST_FAILED = 10  # mini-batches that may fail in a process before another takes its place


class Kind(str, enum.Enum):
    """The contract that a script is written for, or that of a model without one."""

    BATCH = "batch"
    ONLINE = "online"
    MLFLOW = "mlflow"


class Form(str, enum.Enum):
    """What an input is to the script."""

    FILES = "files"
    CSV = "csv"
    PARQUET = "parquet"
    JSONL = "jsonl"
    LINES = "lines"

    @property
    def is_table(self) -> bool:
        return self in (Form.CSV, Form.PARQUET)


class OutputFormat(str, enum.Enum):
    """How results are written. TEXT is Azure's."""

    TEXT = "text"
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


class Slice(NamedTuple):
    """A part of a file. `start` is a byte, or for parquet a row of the row group `group`; `size` is
    in the same unit. `first_item` is the place of its first row or line in the file.
    """

    path: str
    start: int
    size: int
    group: int = 0
    first_item: int = 0


class MiniBatch(NamedTuple):
    """What is scored together, and tried again together. An item is a file, a row or a line;
    `first` is the place of the first in the whole input. `weight` is its share of the whole: files,
    or bytes.
    """

    number: int
    first: int
    items: int
    weight: float
    paths: tuple[str, ...] = ()
    part: Slice | None = None

    def to_json(self) -> str:
        return json.dumps(self)

    @classmethod
    def from_json(cls, text: str) -> MiniBatch:
        number, first, items, weight, paths, part = json.loads(text)
        where = None if part is None else Slice(*part)
        return cls(number, first, items, weight, tuple(paths), where)


class Done(NamedTuple):
    """What became of a mini-batch. `payload` is its part of the output file, and `error` what it,
    or the last item that failed, failed with.
    """

    number: int
    items: int
    succeeded: int
    tries: int
    seconds: float
    payload: bytes = b""
    error: str = ""
    failed: bool = False  # the whole mini-batch, after its last try


READY = "ready"  # what a process says once its script has started; else it sends a StartError


class StartError(NamedTuple):
    """Why the script cannot start. `is_final`: another process will not fare better."""

    text: str
    is_final: bool = False


@dataclass(frozen=True)
class Work:
    """How a process scores. Paths are absolute, and the same on every machine of the job."""

    settings: str  # JSON
    kind: Kind
    form: Form
    output: str
    output_format: OutputFormat = OutputFormat.TEXT
    summary_only: bool = False
    max_tries: int = MAX_TRIES
    run_timeout_seconds: float = RUN_TIMEOUT_SECONDS
    arguments: tuple[str, ...] = ()  # of the script, in sys.argv
    dataset: str = ""
    started_in: str = ""  # the directory
    variables: Mapping[str, str] = field(default_factory=dict)  # of the environment

    @property
    def longest_run_seconds(self) -> float:
        """When the process of a run() is ended. An online script's is interrupted before, at its
        time limit, which leaves the other items of the mini-batch alone.
        """
        return self.run_timeout_seconds * (2 if self.kind is Kind.ONLINE else 1)

    def to_json(self) -> str:
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Work:
        values = json.loads(text)
        values["kind"] = Kind(values["kind"])
        values["form"] = Form(values["form"])
        values["output_format"] = OutputFormat(values["output_format"])
        values["arguments"] = tuple(values["arguments"])
        return cls(**values)


class CannotStart(Exception):
    """The script cannot be imported, or its init() fails; the message is for its author.
    `is_final`: to try again is no use.
    """

    def __init__(self, text: str, *, is_final: bool = False) -> None:
        super().__init__(text)
        self.is_final = is_final


class UnusableInput(Exception):
    """An input, or an option that does not go with it: which, and what to do."""
