"""Who has connected before a listener is closed is accepted, and nobody is let in to be reset."""

from __future__ import annotations

import socket
import sys

import pytest

from scoreserve.front.http.listener import accept_the_last


def test_all_that_wait_are_accepted() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        clients = [socket.create_connection(listener.getsockname()) for _ in range(5)]
        accepted = list(accept_the_last(listener))
        assert len(accepted) == len(clients)
        for client, connection in zip(clients, accepted, strict=True):
            client.sendall(b"still works")
            connection.setblocking(True)
            assert connection.recv(100) == b"still works"
            client.close()
            connection.close()


@pytest.mark.skipif(sys.platform != "linux", reason="by the kernel's packet filter")
def test_no_new_connection_is_made() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        assert list(accept_the_last(listener)) == []
        with pytest.raises(TimeoutError):
            socket.create_connection(listener.getsockname(), timeout=0.1)
