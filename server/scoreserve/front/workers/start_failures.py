"""Why no scoring worker is to be had, from the end of the last one. Pure."""

from __future__ import annotations

from scoreserve.front.workers.exit_reasons import (
    BOOT_FAILED,
    EXIT,
    INIT_TIMEOUT,
    OOM,
    SIGNAL,
    End,
)
from scoreserve.settings import MEBIBYTE, Settings
from scoreserve.start_failure import StartFailure

_REMEDIES = {
    BOOT_FAILED: "The reason is in the log above.",
    EXIT: "The script, or a library of it, ends the process: look for os._exit().",
    INIT_TIMEOUT: "What it was doing is in the log above. If it needs longer, raise WORKER_TIMEOUT,"
    " in seconds (0: no limit).",
}
_CRASHED = (
    "The stacks are in the log above, below `Fatal Python error`. It is mostly a library that is"
    " built for another CPU, or for another version of one that it uses."
)


def of_end(
    end: End, stage: str, settings: Settings, *, memory_bytes: int | None, served: bool
) -> StartFailure:
    """The failure of a server whose last worker ended so at this stage of its start, without having
    told why. `memory_bytes` is what the container may use; `served`: workers were ready before.
    """
    known = served or end.reason == INIT_TIMEOUT  # when in its life it was
    at = "" if known else f" while {stage}"
    return StartFailure(
        f"The scoring worker {end.text}{at}",
        settings.script_path or "the module main",
        _remedy(end, settings.workers, memory_bytes),
        served,
    )


def _remedy(end: End, workers: int, memory_bytes: int | None) -> str:
    if end.reason == OOM or "(out of memory?)" in end.text:
        limit = f" than its {memory_bytes // MEBIBYTE} MiB" if memory_bytes is not None else ""
        many = f", or it fewer workers: each of the {workers} has a model" if workers > 1 else ""
        return f"Give the container more memory{limit}{many}."
    if end.reason == SIGNAL and "SIGKILL" in end.text:
        return "Somebody, or a limit other than the container's memory, has killed it."
    return _REMEDIES.get(end.reason, _CRASHED)
