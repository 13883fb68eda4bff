"""Whether a server can listen on a port, and who does in its stead."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from scoreserve.start_failure import StartFailure

_LISTENING = "0A"  # TCP_LISTEN in the kernel's tables, include/net/tcp_states.h
_TABLES = ("tcp", "tcp6")
_ADDRESS, _STATE, _INODE = 1, 3, 9  # columns
_MOST_TRIED = 100  # ports, for one that is free
_LAST_PORT = 65535
_LONGEST_COMMAND = 120  # characters


class Holder(NamedTuple):
    """A process that listens."""

    pid: int
    command: str


class CannotListen(NamedTuple):
    """Why there is no listening. `passes`: it may be over in a moment."""

    failure: StartFailure
    passes: bool


def why_not(host: str, port: int, flag: str) -> CannotListen | None:
    """Why nobody can listen there now; None: one can. `host` as settings have it, and `flag` is how
    the port is chosen.
    """
    name = host.removeprefix("[").removesuffix("]")
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind((name, port))
    except OSError as error:
        return _told(error, host, port, flag)
    return None


def _told(error: OSError, host: str, port: int, flag: str) -> CannotListen:
    where = f"{flag} {port}"
    if error.errno == errno.EADDRINUSE:
        holder = holder_of(port)
        remedy = f"Choose another port, such as {flag} {_free_after(host, port)}"
        if holder is None:
            by = "a process that this user may not look at, or one outside this container"
        else:
            by = f"process {holder.pid} ({holder.command})"
            remedy += f", or end that process: kill {holder.pid}"
        what = f"Port {port} is in use, by {by}"
        return CannotListen(StartFailure(what, where, f"{remedy}."), passes=True)
    if error.errno == errno.EACCES:
        what = f"The user with id {os.getuid()} may not listen on port {port}"
        remedy = f"Choose a port from 1024 on, such as {flag} 5001. Those below are for root."
        return CannotListen(StartFailure(what, where, remedy), passes=False)
    what = f"It is not possible to listen on {host}, port {port}: {error.strerror}"
    remedy = "Choose an address of this machine with --host; 0.0.0.0 is all of them."
    return CannotListen(StartFailure(what, f"--host {host}", remedy), passes=False)


def _free_after(host: str, port: int) -> int:
    """The next port that is free, or the next if none is."""
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    for other in range(port + 1, min(port + _MOST_TRIED, _LAST_PORT + 1)):
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_STREAM) as one:
            one.bind((host.removeprefix("[").removesuffix("]"), other))
            return other
    return port + 1


def holder_of(port: int, proc: str = "/proc") -> Holder | None:
    """Who listens on the port, as far as this process may see it (Linux). A server's children have
    its sockets too: then the first process, which is the one to end.
    """
    wanted = {f"socket:[{inode}]" for inode in _inodes(port, proc)}
    if not wanted:
        return None
    for pid in sorted(int(name) for name in os.listdir(proc) if name.isdecimal()):
        if not wanted.isdisjoint(_descriptors(f"{proc}/{pid}/fd")):
            return Holder(pid, _command(f"{proc}/{pid}/cmdline"))
    return None


def _inodes(port: int, proc: str) -> Iterator[str]:
    for table in _TABLES:
        with contextlib.suppress(OSError), open(f"{proc}/net/{table}", encoding="ascii") as file:
            yield from listening_inodes(file, port)


def listening_inodes(lines: Iterable[str], port: int) -> Iterator[str]:
    """The sockets that listen on the port, in a table such as /proc/net/tcp: proc(5)."""
    for line in lines:
        fields = line.split()
        listens = len(fields) > _INODE and fields[_STATE] == _LISTENING
        if listens and int(fields[_ADDRESS].rpartition(":")[2], 16) == port:
            yield fields[_INODE]


def _descriptors(folder: str) -> Iterator[str]:
    with contextlib.suppress(OSError):  # another user's, or gone
        for name in os.listdir(folder):
            with contextlib.suppress(OSError):
                yield os.readlink(f"{folder}/{name}")


def _command(path: str) -> str:
    try:
        with open(path, "rb") as file:
            words = file.read().rstrip(b"\0").split(b"\0")
    except OSError:
        return "its command is not to be seen"
    text = b" ".join(words).decode(errors="replace").strip()
    shown = "".join(each if each.isprintable() else "?" for each in text)
    return shown if len(shown) <= _LONGEST_COMMAND else f"{shown[:_LONGEST_COMMAND]}..."
