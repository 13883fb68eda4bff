"""A process of the pool: `python -m scoreserve.batch.process DESCRIPTOR`.

Takes the work and then mini-batches from the connection behind the descriptor, and sends for each
what became of it. Ends when the driver sends None, or is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from multiprocessing.connection import Connection

from scoreserve.batch.scorer import Scorer
from scoreserve.batch.work import (
    EXIT_INIT,
    EXIT_TOO_MANY_FAILED,
    READY,
    CannotStart,
    MiniBatch,
    StartError,
    Work,
)
from scoreserve.parent_death import end_with_parent
from scoreserve.worker.script import main_module

_END_SECONDS = 10.0  # for threads of the script that are no daemons, and what is called at exit


def main(descriptor: int) -> int:
    """Returns the exit code."""
    os.set_inheritable(descriptor, False)
    end_with_parent(signal.SIGKILL, os.getppid())
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the driver says when to end
    with Connection(descriptor) as driver, contextlib.suppress(EOFError, OSError):
        return _serve(driver)
    return 0


def _serve(driver: Connection) -> int:
    agent, written = driver.recv()
    main_module.install()
    try:
        scorer = Scorer(Work.from_json(written), agent)
    except CannotStart as error:
        driver.send(StartError(str(error), error.is_final))
        return EXIT_INIT
    driver.send(READY)
    own = os.getpid()
    while (batch := driver.recv()) is not None:
        assert isinstance(batch, MiniBatch)
        done = scorer.score(batch)
        if os.getpid() != own:  # a child that run() has forked, and returned from as well
            os._exit(0)
        driver.send(done)
        if scorer.is_worn_out:
            return EXIT_TOO_MANY_FAILED
    scorer.shutdown()
    return 0


def end_within(seconds: float, code: int) -> None:
    """Ends the process with this code if it has not ended by then: Python waits for threads of the
    script for ever, and the driver for the process.
    """

    def end() -> None:
        print(
            f"The process is ended: {seconds:g} s after its work, a thread of the script goes on.",
            file=sys.stderr,
            flush=True,
        )
        os._exit(code)

    timer = threading.Timer(seconds, end)
    timer.daemon = True
    timer.start()


if __name__ == "__main__":
    exit_code = main(int(sys.argv[1]))
    end_within(_END_SECONDS, exit_code)
    sys.exit(exit_code)
