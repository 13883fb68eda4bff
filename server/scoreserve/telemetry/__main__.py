"""The telemetry process: `python -m scoreserve.telemetry SOURCE SINK`.

Started by the front, which holds the other ends of the pipes behind these descriptors. It reads
frames (see `records`) and hands what is in them to the outputs that are switched on; each sends in
a thread of its own. When the front closes its end, what is left is sent, for a few seconds at most.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence

from scoreserve import logs, reports, stdio
from scoreserve.parent_death import end_with_parent
from scoreserve.settings import Settings
from scoreserve.telemetry import outputs, records
from scoreserve.telemetry.output import Output

_FLUSH_SECONDS = 5.0  # at the end; docker stop waits ten
_TELL_SECONDS = 1.0  # between two accounts of what was dropped
# So that it never takes a CPU from scoring. Idle ones it has to itself.
_NICE = 10

_log = logging.getLogger("azmlinfsrv.telemetry")


def main(source_descriptor: int, sink_descriptor: int) -> None:
    parent = os.getppid()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # the front's business: it closes the pipe
    os.nice(_NICE)
    with os.fdopen(source_descriptor, "rb") as source, os.fdopen(sink_descriptor, "wb") as sink:
        setup = records.read_frame(source)
        if setup is None:
            return
        settings = Settings.from_json(setup[1])
        stdio.install(stdio.WORKER_PATIENCE_SECONDS)
        logs.JsonFormatter.role = "telemetry"
        logs.configure(settings)
        end_with_parent(signal.SIGKILL, parent)
        opened = outputs.opened(settings, os.environ)
        telling = threading.Thread(target=_tell_dropped, args=(opened, sink.fileno()), daemon=True)
        telling.start()
        while (received := records.read_frame(source)) is not None:
            _hand_out(*received, opened)
        deadline = time.monotonic() + _FLUSH_SECONDS
        for output in opened:
            output.close(deadline)
    # Threads of exporters may be in a long pause between two attempts.
    sys.stdout.flush()
    os._exit(0)


def _hand_out(kind: int, payload: bytes, opened: Sequence[Output]) -> None:
    """Gives the records of one frame to each output."""
    if kind == records.REQUESTS:
        for request in records.read_requests(payload):
            for output in opened:
                output.request(request)
    elif kind == records.REPORT:
        report = reports.decode(payload)
        for output in opened:
            output.report(report)
    elif kind == records.METRICS:
        for output in opened:
            output.metrics(payload)


def _tell_dropped(opened: Sequence[Output], sink: int) -> None:
    """Tells the front every second what was lost, if anything was."""
    while True:
        time.sleep(_TELL_SECONDS)
        dropped: Counter[str] = sum((output.take_dropped() for output in opened), Counter())
        if dropped:
            try:
                os.write(sink, records.dropped_frame(dropped))
            except OSError:  # the front is gone
                return


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
