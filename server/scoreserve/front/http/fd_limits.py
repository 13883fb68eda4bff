"""How many connections fit into what the process may open."""

from __future__ import annotations

import resource

_MOST_WANTED = 16_384  # descriptors; the hard limit may be a billion, which children choke on
_RESERVED = 64  # listeners, logs, files that are read, connections that are being refused
_RESERVED_PER_WORKER = 8  # two pipes and what it takes to start a replacement beside it
_MOST_CONNECTIONS = 10_000
_LEAST_CONNECTIONS = 16


def raise_limit() -> int:
    """Raises the limit of open descriptors as far as wanted and allowed; returns what it is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    unlimited = resource.RLIM_INFINITY
    wanted = _MOST_WANTED if hard == unlimited else min(hard, _MOST_WANTED)
    if soft != unlimited and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return _MOST_WANTED if soft == unlimited else soft


def most_connections(asked: int, descriptors: int, workers: int) -> int:
    """How many clients may be connected: as many as `asked` for (0: many), if there is room."""
    room = descriptors - _RESERVED - _RESERVED_PER_WORKER * workers
    return min(asked or _MOST_CONNECTIONS, max(room, _LEAST_CONNECTIONS))
