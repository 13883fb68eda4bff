"""Whether calls of run() may be under way together: not where they share what they change.

Others are let in at a known model's predict, and wherever a call waits. What a call has stored by
then where others see it may be overwritten when it goes on. So the script's own code is gone
through as a call would, from run() into all that it can reach, and what is stored is followed: to
an object that was there before the call (an obstacle), or to one of the call's own.

    sources             which code is the script's own; its syntax trees
    values              what an expression may be: a set of abstract objects
    live_objects        the objects that are there after init(), looked at, never run
    names               what functions and methods of libraries do, by name
    state → objects → library_methods → library_functions → operator_objects → calls → expressions →
        statements
                        one layer on another: each knows those before it

All loops are gone through until nothing new is learnt, and so is the whole. Where it cannot be seen
what happens, the answer is the careful one if that keeps few honest scripts out.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scoreserve.worker.model.shared_state.findings import Obstacle

__all__ = ["Obstacle", "obstacles"]


def obstacles(run: Callable[..., Any]) -> list[Obstacle]:
    """Why calls of this run() must not be under way together; empty: they may.

    To be called after init(). Never raises: what goes wrong here is an obstacle itself.
    """
    # Late: most workers never ask.
    from scoreserve.worker.model.shared_state.analysis import analyse

    return analyse(run)
