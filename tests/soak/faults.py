"""What is done to the server while it serves."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
from collections import Counter

from tests.servers import Server

MOST_PAUSE_SECONDS = 3.0
_STOPPED_SECONDS = 0.5


class Faults:
    """Kills, stops and reloads at random until `end`."""

    def __init__(self, server: Server) -> None:
        self.counts: Counter[str] = Counter()
        self._server = server
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        kinds = [self.kill, self.kill, self.stop_for_a_moment, self.reload]
        while not self._ended.wait(random.uniform(0.2, MOST_PAUSE_SECONDS)):
            kind = random.choice(kinds)
            self.counts[kind.__name__] += 1
            with contextlib.suppress(ProcessLookupError):
                kind()

    def _a_worker(self) -> int:
        workers = self._server.workers()
        if not workers:
            raise ProcessLookupError
        return random.choice(workers)

    def kill(self) -> None:
        os.kill(self._a_worker(), random.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV)))

    def stop_for_a_moment(self) -> None:
        worker = self._a_worker()
        os.kill(worker, signal.SIGSTOP)
        self._ended.wait(_STOPPED_SECONDS)
        os.kill(worker, signal.SIGCONT)

    def reload(self) -> None:
        self._server.signal(signal.SIGHUP)
