"""Who listens on a port that a server cannot have."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scoreserve.front.http import port_holders
from scoreserve.front.http.port_holders import holder_of, listening_inodes, why_not

# Columns of proc(5): sl, local_address, rem_address, st, ..., inode.
TABLE = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 00000000:1389 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 71 1 0 100 0
   1: 0100007F:1389 0100007F:C350 01 00000000:00000000 00:00000000 00000000  0  0 72 1 0 100 0
   2: 00000000:138A 00000000:0000 0A 00000000:00000000 00:00000000 00000000  0  0 73 1 0 100 0
"""


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_only_who_listens_on_the_port_is_found() -> None:
    assert list(listening_inodes(TABLE.splitlines(), 5001)) == ["71"]
    assert list(listening_inodes(TABLE.splitlines(), 80)) == []


def test_this_process_is(taken: int) -> None:
    holder = holder_of(taken)
    assert holder is not None
    assert holder.pid == os.getpid()
    assert "pytest" in holder.command or "python" in holder.command


def test_a_port_that_is_taken_is_told_with_who_has_it(taken: int) -> None:
    found = why_not("127.0.0.1", taken, "--port")
    assert found is not None
    assert found.passes
    what, where, remedy, _ = found.failure
    assert what.startswith(f"Port {taken} is in use, by process {os.getpid()} (")
    assert where == f"--port {taken}"
    assert f"kill {os.getpid()}" in remedy
    assert f"--port {taken}," not in remedy


def test_who_has_it_may_not_be_seen(
    taken: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "tcp").write_text(TABLE)
    assert holder_of(5001, str(tmp_path)) is None
    monkeypatch.setattr(port_holders, "holder_of", lambda port: None)
    found = why_not("127.0.0.1", taken, "--port")
    assert found is not None
    assert "may not look at" in found.failure.what
    assert "kill" not in found.failure.remedy


def test_a_free_port_is_no_failure(taken: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        free = server.getsockname()[1]
    assert why_not("127.0.0.1", free, "--port") is None


@pytest.mark.parametrize(
    ("number", "what"),
    [
        (errno.EACCES, "may not listen on port 80"),
        (errno.EADDRNOTAVAIL, "not possible to listen on 127.0.0.1"),
    ],
)
def test_what_lasts_is_told_as_such(
    monkeypatch: pytest.MonkeyPatch, number: int, what: str
) -> None:
    class Refusing(socket.socket):
        def bind(self, address: Any) -> None:
            raise OSError(number, os.strerror(number))

    monkeypatch.setattr(socket, "socket", Refusing)
    found = why_not("127.0.0.1", 80, "--port")
    assert found is not None
    assert not found.passes
    assert what in found.failure.what
