"""Closing a listening socket without losing who is just coming.

A connection that the kernel has made and we have not accepted is reset when its listener is closed,
and its client may have sent a request by then. So no new one is begun, those that are there are
accepted, and then it is closed. Whoever comes in between tries again, and is refused.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import sys
from collections.abc import Iterator

_SO_ATTACH_FILTER = 26
_SO_DETACH_FILTER = 27
_FLAGS_BYTE = 13  # of a TCP header
_SYN, _SYN_OR_ACK = 0x02, 0x12
# What the kernel's packet filter runs for each packet that comes for the listener: BPF instructions
# (operation, where to jump if true and if false, operand).
_DROP_FIRST_PACKETS = (
    (0x30, 0, 0, _FLAGS_BYTE),  # load that byte
    (0x54, 0, 0, _SYN_OR_ACK),  # and
    (0x15, 0, 1, _SYN),  # equal? else skip one
    (0x06, 0, 0, 0),  # drop the packet
    (0x06, 0, 0, 0xFFFF),  # let it pass
)


def accept_the_last(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that wait to be accepted, after which the listener is to be closed."""
    _begin_no_more(listener)
    with contextlib.suppress(OSError):  # none is left
        while True:
            connection, _ = listener.accept()
            connection.setblocking(False)
            yield connection


def _begin_no_more(listener: socket.socket) -> None:
    """Has the kernel ignore attempts to connect, where it can: a client repeats them."""
    if sys.platform != "linux":
        return
    import ctypes

    code = b"".join(struct.pack("HBBI", *each) for each in _DROP_FIRST_PACKETS)
    memory = ctypes.create_string_buffer(code)
    program = struct.pack("HP", len(_DROP_FIRST_PACKETS), ctypes.addressof(memory))
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)


def listen_again(listener: socket.socket) -> None:
    """Undoes what `accept_the_last` did to a socket that another process goes on listening to."""
    if sys.platform == "linux":
        with contextlib.suppress(OSError):  # there was no filter
            listener.setsockopt(socket.SOL_SOCKET, _SO_DETACH_FILTER, 0)
