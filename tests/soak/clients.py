"""The clients of a soak: each runs in a thread of its own until it is told to stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from tests.servers import Server
from tests.soak import failing, honest, rude
from tests.soak.client import PATIENCE_SECONDS, Client
from tests.soak.ledger import Ledger

KINDS = (*honest.KINDS, *rude.KINDS, *failing.KINDS)


class Clients:
    """All clients of one server; `stop` ends them and waits for their last answers."""

    def __init__(self, server: Server, ledger: Ledger) -> None:
        self._stopped = threading.Event()
        self._storm_over = threading.Event()
        self._threads = [
            threading.Thread(
                target=self._repeat,
                args=(kind, Client(server, ledger, self._stopped, self._storm_over)),
                daemon=True,
            )
            for kind in KINDS
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def calm_down(self) -> None:
        """No request asks for a fault from now on, once those under way are answered."""
        self._storm_over.set()

    def stop(self) -> bool:
        """Whether all have ended."""
        self._stopped.set()
        deadline = time.monotonic() + PATIENCE_SECONDS
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def _repeat(self, kind: Callable[[Client], None], client: Client) -> None:
        while not self._stopped.is_set():
            try:
                kind(client)
            except Exception as error:  # noqa: BLE001, PERF203 - whatever it is, it is a finding
                client.ledger.lose(kind.__name__, repr(error))
