"""What the front tells a scoring worker at its start, and what the worker tells of its trial, or a
template of what stands in the way of forks.

A trial is how preloading (WORKER_PRELOAD) is proven: a worker that was spawned answers the sample
request, and a worker that was forked must give the same answer, in a time that is like it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import NamedTuple

from scoreserve.settings import Settings

ANSWERING = "answering the sample request"  # the stage of a worker's start in which it does so


class Obstacle(NamedTuple):
    """Why a template should not be forked; `forbids`: it is out of the question, whatever the user
    says.
    """

    text: str
    forbids: bool = False


class Answer(NamedTuple):
    """What run() made of the sample request in a spawned worker. `steady`: twice the same."""

    sample: str  # where it is from
    status: int
    body: str  # Latin-1, so that any bytes are text
    seconds: float  # of the first call
    steady: bool = True
    resident_bytes: int = 0  # of the worker


class Trial(NamedTuple):
    """The worker is to answer the sample request. `expected`: what a spawned one answered; None: it
    is that one.
    """

    expected: Answer | None = None


class TrialResult(NamedTuple):
    """What came of a trial: the `answer` of a spawned worker, or `why` there is none, or why that
    of a forked one is not as expected; else "".
    """

    answer: Answer | None = None
    why: str = ""

    def to_json(self) -> bytes:
        return json.dumps(self).encode()

    @classmethod
    def from_json(cls, text: bytes) -> TrialResult:
        """Raises ValueError."""
        answer, why = json.loads(text)
        return cls(None if answer is None else Answer(*answer), str(why))


@dataclass(frozen=True)
class WorkerSetup:
    """The first that a worker is told. `index`: no other worker that lives has the same; the lowest
    is 0.
    """

    settings: Settings
    index: int = 0
    trial: Trial | None = None

    def to_json(self) -> bytes:
        """For the worker, without the secrets; `from_json` reads it back."""
        told = b'{"index": %d, "trial": %b, "settings": %b}'
        return told % (self.index, json.dumps(self.trial).encode(), self.settings.to_json())

    @classmethod
    def from_json(cls, text: bytes) -> WorkerSetup:
        told = json.loads(text)
        return cls(Settings(**told["settings"]), told["index"], _trial(told["trial"]))


def _trial(told: list[list[object]] | None) -> Trial | None:
    if told is None:
        return None
    (expected,) = told
    return Trial(None if expected is None else Answer(*expected))  # type: ignore[arg-type]
