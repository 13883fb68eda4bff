"""TCP ports for the servers under test.

Below the range the kernel takes client ports from, so that no connection of ours gets in the way,
and always five digits, so that the port does not change the length of a text it stands in. A server
listens some time after it was told where: so none is given out twice in a row, and of several
processes of pytest-xdist each has its own.
"""

from __future__ import annotations

import itertools
import os
import random
import socket

_ALL = range(20_000, 32_000)
_PROCESS = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
_PROCESSES = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
_OURS = _ALL[_PROCESS::_PROCESSES]
_in_turn = itertools.cycle(random.sample(_OURS, len(_OURS)))


def free_port() -> int:
    """A port that nobody listens on now, on any address."""
    for port in itertools.islice(_in_turn, len(_OURS)):
        with socket.socket() as probe:
            try:
                probe.bind(("0.0.0.0", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")
