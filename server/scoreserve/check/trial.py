"""The process in which a script is tried: `python -m scoreserve.check.trial SINK STACKS SECONDS`.

Reads the settings from stdin. Writes a line to the descriptor SINK for each stage that begins, and
for each finding. Where a stage takes longer than SECONDS, what the script is doing is written to
the descriptor STACKS, in faulthandler's form. What the script prints goes to stderr.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
import traceback

from scoreserve.check import steps
from scoreserve.check.findings import Finding, Level
from scoreserve.check.watch import DONE, STAGE
from scoreserve.settings import Settings
from scoreserve.worker.script import fast_json, main_module, preparation


def main(sink_descriptor: int, stacks_descriptor: int, seconds: float) -> None:
    """Tries the script. Ends normally whatever the script raises."""
    settings = Settings.from_json(sys.stdin.buffer.read())
    for descriptor in (sink_descriptor, stacks_descriptor):
        os.set_inheritable(descriptor, False)
    os.dup2(2, 1)  # what the script prints is no finding
    _prepare(settings)
    with open(sink_descriptor, "w", encoding="utf-8") as sink:

        def say(line: str) -> None:
            sink.write(f"{line}\n")
            sink.flush()

        def say_stage(stage: str) -> None:
            faulthandler.dump_traceback_later(seconds, file=stacks_descriptor)
            say(f"{STAGE}{stage}")

        try:
            for finding in steps.findings(settings, say_stage):
                say(finding.to_json())
        except Exception as error:  # noqa: BLE001 - what raises here has let the script's error out
            traceback.print_exc()
            say(Finding("check", Level.ERROR, f"it has failed itself: {error!r}").to_json())
        faulthandler.cancel_dump_traceback_later()
        say(DONE)
        # Threads of the script's own may go on for ever.
        sys.stderr.flush()
        os._exit(0)


def _prepare(settings: Settings) -> None:
    """As a worker's process is prepared, where it makes a difference to the script."""
    server_log = logging.getLogger("azmlinfsrv")
    to_stderr = logging.StreamHandler()
    to_stderr.setLevel(logging.ERROR)  # the rest are findings
    server_log.addHandler(to_stderr)
    server_log.propagate = False
    if settings.fast_json:
        fast_json.install()
    main_module.install()
    preparation.prepare(settings)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))
