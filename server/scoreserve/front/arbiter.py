"""gunicorn glue: the arbiter process, and the front as the one worker it keeps alive.

gunicorn owns the listening sockets, the signals sent to the container and the exit code; the front
it forks runs uvicorn on an event loop and never forks itself.

    SIGTERM, SIGINT, SIGQUIT        gunicorn's own: end the front, then leave
    SIGHUP                          passed on to the front, which reloads script and model
    SIGTTIN, SIGTTOU, USR1, USR2    nothing: they would add a second front, or a second server

When the front dies, the workers that it leaves are ended, and a new front starts new ones.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.arbiter import Arbiter as GunicornArbiter
from gunicorn.errors import HaltServer
from gunicorn.glogging import Logger
from gunicorn.workers.base import Worker

from scoreserve.errors import EXIT_BOOT, EXIT_PORT
from scoreserve.front.http.listener import listen_again
from scoreserve.front.http.port_holders import CannotListen, why_not
from scoreserve.front.workers.failure_note import FailureNote
from scoreserve.front.workers.pid_table import WorkerPids
from scoreserve.settings import Settings
from scoreserve.start_failure import StartFailure, tell

_log = logging.getLogger("azmlinfsrv")

# The arbiter waits this much longer than the front drains, so that the front ends by itself: what
# is left is cut off (1 s), busy workers end (1 s), telemetry is sent (5.5 s), logs (1 s).
_ARBITER_MARGIN_SECONDS = 10
_HOPELESS_FRONTS = 3  # that ended without having served, in a row


class Arbiter(BaseApplication):  # type: ignore[misc]
    """The server as a gunicorn application. `run` blocks until it stops, then exits the process."""

    def __init__(self, settings: Settings, *, custom_logs: bool) -> None:
        self.settings = settings
        self.custom_logs = custom_logs  # the user's logging.json is in force
        self.note = FailureNote()  # of any front
        super().__init__(prog="scoreserve")

    def load_config(self) -> None:
        settings = self.settings
        binds = [f"{settings.host}:{settings.port}"]
        if settings.separate_health:
            binds.append(f"{settings.host}:{settings.health_port}")
        values: dict[str, Any] = {
            "bind": binds,
            "workers": 1,
            "worker_class": f"{__name__}.FrontWorker",  # by name: gunicorn 21 takes no class
            # The front answers probes whatever the script does; were it ever stuck, the liveness
            # probe says so. A timeout here would kill it after a pause of the whole container.
            "timeout": 0,
            "graceful_timeout": settings.drain_delay_seconds
            + settings.drain_seconds
            + _ARBITER_MARGIN_SECONDS,
            "logger_class": GunicornLog,
            "child_exit": _end_what_it_left,
            "control_socket_disable": True,
        }
        for name, value in values.items():
            if name in self.cfg.settings:  # older gunicorns lack the last
                self.cfg.set(name, value)

    def load(self) -> None:
        """There is no WSGI callable to load: the front builds its own application."""

    def run(self) -> None:
        """As gunicorn's, with an arbiter that treats signals in our way. The last words of a server
        that fails are why.
        """
        arbiter = os.getpid()
        cannot_listen = self._cannot_listen()
        if cannot_listen is not None:
            if not cannot_listen.passes:
                self._tell(cannot_listen.failure)
                sys.exit(EXIT_PORT)
            _log.warning("%s. It is tried again for 5 s.", cannot_listen.failure.what)
        try:
            SignalArbiter(self).run()
        except RuntimeError as error:
            self._tell(StartFailure(str(error)))
            sys.exit(EXIT_PORT)
        except SystemExit as end:
            if os.getpid() == arbiter and end.code:  # a front that was forked here leaves so too
                self._tell(self._why())
            raise

    def _cannot_listen(self) -> CannotListen | None:
        settings = self.settings
        found = why_not(settings.host, settings.port, "--port")
        if found is None and settings.separate_health:
            found = why_not(settings.host, settings.health_port, "--health-port")
        return found

    def _why(self) -> StartFailure:
        """Why it has ended, as the front says, or else what can be seen from here."""
        told = self.note.read()
        if told is not None:
            return told
        cannot_listen = self._cannot_listen()
        if cannot_listen is not None:
            return cannot_listen.failure
        return StartFailure(
            "The server ended, and none of its processes has said why",
            remedy="What they said is in the log above.",
        )

    def _tell(self, failure: StartFailure) -> None:
        as_json = self.settings.log_format == "json" and not self.custom_logs
        tell(failure, as_json=as_json)


class SignalArbiter(GunicornArbiter):  # type: ignore[misc]
    """gunicorn's arbiter, which finds the handler of a signal by its name."""

    failed_fronts = 0  # in a row, that never listened

    def handle_hup(self) -> None:
        """The sockets and the front stay: a new front could answer nothing until init() is done."""
        self.kill_workers(signal.SIGHUP)

    def stop(self, graceful: bool = True) -> None:
        """As gunicorn's, which takes a front that gives up meanwhile for a reason to raise."""
        with contextlib.suppress(HaltServer):
            super().stop(graceful)

    def _ignore(self) -> None:
        self.log.info("This signal has no effect.")

    handle_ttin = handle_ttou = handle_usr1 = handle_usr2 = _ignore


class FrontWorker(Worker):  # type: ignore[misc]
    """The front, in the process that gunicorn forks for it."""

    app: Arbiter

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.worker_pids = WorkerPids()  # made before the fork

    def init_signals(self) -> None:
        """Forgets the arbiter's handlers; `front.process` sets its own on the event loop."""
        for number in self.SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_IGN)  # nothing is loaded yet that could be reloaded

    def run(self) -> None:
        """Serves until a signal ends it. Exits the process with 3 when no worker can be had."""
        # Imported here, in the forked process: the arbiter has no use for an event loop.
        from scoreserve.front import process

        sockets = [listener.sock for listener in self.sockets]
        failure = process.run(
            self.app.settings,
            sockets,
            self.worker_pids,
            arbiter=self.ppid,
            custom_logs=self.app.custom_logs,
        )
        if failure is not None:
            self.app.note.write(failure)
            sys.exit(EXIT_BOOT)


def _end_what_it_left(arbiter: SignalArbiter, front: FrontWorker) -> None:
    """gunicorn calls it when a front is gone; one that left in order has ended its workers.

    Only the front may have been told to stop: then another one listens. An arbiter that stops too
    has closed its sockets.
    """
    front.worker_pids.end_all()
    arbiter.failed_fronts = 0 if front.worker_pids.served else arbiter.failed_fronts + 1
    if arbiter.failed_fronts >= _HOPELESS_FRONTS and arbiter.LISTENERS:
        raise HaltServer("the front dies before it can serve, time and again", EXIT_BOOT)
    for listener in arbiter.LISTENERS:
        listen_again(listener.sock)


class GunicornLog(Logger):  # type: ignore[misc]
    """gunicorn's log, written by the handlers that `scoreserve.logs` set up."""

    def setup(self, cfg: Any) -> None:
        self.cfg = cfg
