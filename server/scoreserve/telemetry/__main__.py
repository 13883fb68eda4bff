"""The telemetry process: `python -m scoreserve.telemetry SOURCE SINK`.

Started by the front, which holds the other ends of the pipes behind these descriptors. It reads
frames (see `records`) and hands what is in them to the outputs that are switched on; each sends in
a thread of its own. When the front closes its end, what is left is sent, for a few seconds at most.
"""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence

from scoreserve import logs, otel_environment, stdio
from scoreserve.parent_death import end_with_parent
from scoreserve.settings import Settings
from scoreserve.telemetry import outputs, records
from scoreserve.telemetry.fan_out import FanOut
from scoreserve.telemetry.output import Output

_FLUSH_SECONDS = 5.0  # at the end; docker stop waits ten
# Beside processes that compute, a thirtieth of a CPU is left to it; idle ones it has to itself.
_NICE = 15
_AUTOGROUP = "/proc/self/autogroup"  # sched(7)

_log = logging.getLogger("azmlinfsrv.telemetry")


def main(source_descriptor: int, sink_descriptor: int) -> None:
    parent = os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the front's business: it closes the pipe
    # The sink stays open until the process has ended, and so has told why: the front takes that for
    # its end.
    with os.fdopen(source_descriptor, "rb") as source:
        setup = records.read_frame(source)
        if setup is None:
            return
        settings = Settings.from_json(setup[1])
        stdio.install(stdio.WORKER_PATIENCE_SECONDS)
        logs.JsonFormatter.role = "telemetry"
        logs.configure(settings)
        end_with_parent(signal.SIGKILL, parent)
        for line in otel_environment.forget_unusable(os.environ):
            _log.warning(line)
        openers = outputs.openers(settings, os.environ)
        # Not before: beside a busy machine's work, imports would take longer than a server whose
        # init() fails waits for its last words.
        _stand_back()
        opened = [output for each in openers for output in each(settings, os.environ)]
        fan_out = FanOut(opened, sink_descriptor)
        threading.Thread(target=fan_out.tell, daemon=True).start()
        while (received := records.read_frame(source)) is not None:
            fan_out.take(*received)
        _set_autogroup(0)
        _close(opened, time.monotonic() + _FLUSH_SECONDS)
    # Threads of exporters may be in a long pause between two attempts.
    sys.stdout.flush()
    os._exit(0)


def _close(opened: Sequence[Output], deadline: float) -> None:
    """Closes all at once: none has less time because of another."""
    closing = [
        threading.Thread(target=output.close, args=(deadline,), daemon=True) for output in opened
    ]
    for thread in closing:
        thread.start()
    for thread in closing:
        thread.join(max(0.0, deadline - time.monotonic()))


def _stand_back() -> None:
    """Takes CPUs only where scoring leaves them idle, or little of them."""
    os.nice(_NICE)  # of this thread, and of those that it starts
    _set_autogroup(_NICE)


def _set_autogroup(nice: int) -> None:
    """Linux may share CPUs out among sessions, of which this is one, before it looks at threads."""
    with contextlib.suppress(OSError), open(_AUTOGROUP, "w", encoding="ascii") as file:
        file.write(str(nice))


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
