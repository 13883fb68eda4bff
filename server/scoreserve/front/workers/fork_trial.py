"""What it takes to trust a fork: of the spawned worker that answers the sample first, and of the
forked one that must answer it likewise. Pure.
"""

from __future__ import annotations

from scoreserve.settings import MEBIBYTE
from scoreserve.worker_setup import Answer, TrialResult

_FAILED_FROM = 400  # statuses
_LEAST_SECONDS = 10.0
_TIMES = 10.0  # the time of the spawned worker


def refusal(result: TrialResult, copies: int, memory_limit: int | None) -> str:
    """Why no fork can be tried after what a spawned worker has answered, or "". A trial has so many
    `copies` of it in memory; the limit is the container's, in bytes.
    """
    answer = result.answer
    if answer is None:
        return result.why
    if answer.status >= _FAILED_FROM:
        return f"{answer.sample} is answered {answer.status}, so nothing can be tried with it"
    if memory_limit is None or copies * answer.resident_bytes <= memory_limit:
        return ""
    return (
        f"a worker has {answer.resident_bytes // MEBIBYTE} MiB, and {copies} of that size, which"
        f" the trial takes, are more than the container's {memory_limit // MEBIBYTE} MiB."
        " WORKER_PRELOAD=force needs no trial"
    )


def late_start(stage: str, spawned_seconds: float, seconds: float) -> str:
    """Why a forked worker fails that is still at this stage so many seconds after the fork, or "".
    `spawned_seconds` is what the spawned one took from its start to its answer, init() included.
    """
    limit = max(_LEAST_SECONDS, _TIMES * spawned_seconds)
    if seconds <= limit:
        return ""
    return (
        f"after {limit:.0f} s the first forked worker is still {stage}; a spawned one took"
        f" {spawned_seconds:.2f} s for all of its start. Some library does not survive a fork, or"
        " not once it was used: call the model for the first time in after_fork(index), not in"
        " init()"
    )


def lateness(expected: Answer, seconds: float) -> str:
    """Why a forked worker fails that has been at the sample for so many seconds, or ""."""
    limit = max(_LEAST_SECONDS, _TIMES * expected.seconds)
    if seconds <= limit:
        return ""
    return (
        f"the first forked worker has not answered the sample request in {limit:.0f} s, a spawned"
        f" one has in {expected.seconds:.2f} s. Some library does not survive a fork, or not once"
        " it was used: warm the model up in after_fork(index) instead of init()"
    )
