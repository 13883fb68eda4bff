"""A process of the pool: `python -m scoreserve.batch.process DESCRIPTOR`.

Takes the work and then mini-batches from the connection behind the descriptor, and sends for each
what became of it. Ends when the driver sends None, or is gone.
"""

from __future__ import annotations

import contextlib
import os
import signal
import sys
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
    while (batch := driver.recv()) is not None:
        assert isinstance(batch, MiniBatch)
        driver.send(scorer.score(batch))
        if scorer.is_worn_out:
            return EXIT_TOO_MANY_FAILED
    scorer.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
