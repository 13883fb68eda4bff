"""Servers that preload, and what can be asked of them."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, Protocol

import pytest

from tests import servers
from tests.servers import Server, wait_until

SAMPLE = json.dumps({"data": [[1, 2], [3, 4]]})

if sys.platform != "linux":
    collect_ignore_glob = ["test_*"]


class Preloading:
    """A server that preloads, and what it tells of that."""

    def __init__(self, server: Server) -> None:
        self.server = server

    def told(self) -> dict[str, Any]:
        """What /health/ready says of preloading."""
        told: dict[str, Any] = self.server.get("/health/ready").json()["preload"]
        return told

    def workers(self) -> list[int]:
        """The ids of the workers that can score."""
        processes = self.server.get("/health/ready").json()["processes"]
        return [each["pid"] for each in processes if each["state"] in ("ready", "busy")]

    def wait_for(self, state: str, workers: int = 2) -> dict[str, Any]:
        """Waits until preloading is on or off, and there are so many workers and no more."""

        def settled() -> bool:
            told = self.server.get("/health/ready").json()
            states = told["workers"]
            busy = states["starting"] + states["stopping"]
            return told["preload"]["state"] == state and (len(self.workers()), busy) == (workers, 0)

        wait_until(settled, f"preloading is {state} with {workers} workers")
        return self.told()


def parent_of(pid: int) -> int:
    """The id of a process's parent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


class Preload(Protocol):
    """Serves a script with two workers, preloading; `sample`: the body of the sample request."""

    def __call__(
        self, script: str, *, sample: str = ..., **env: str
    ) -> AbstractContextManager[Preloading]: ...


@pytest.fixture
def preload(tmp_path: Path) -> Preload:
    @contextmanager
    def preload(script: str, *, sample: str = SAMPLE, **env: str) -> Iterator[Preloading]:
        env = {"WORKER_PRELOAD": "true", "WORKER_COUNT": "2", **env}
        files = {"sample_request.json": sample} if sample else {}
        with servers.serve(script, tmp_path, env=env, files=files) as server:
            yield Preloading(server)

    return preload
