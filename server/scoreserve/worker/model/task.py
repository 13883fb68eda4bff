"""A call of run() that is under way: on a greenlet, so that it can stop where a model is called."""

from __future__ import annotations

import contextvars
from collections.abc import Sequence

from greenlet import getcurrent, greenlet

from scoreserve.worker.model.waiting import Waiting
from scoreserve.worker.script.calling import Call
from scoreserve.worker.script.script_runner import IDLE, Result, RunnerState, ScriptRunner

_BLOCKED = True  # what a task's switch gives that let others go on; else it waits, or is done


class Task(greenlet):  # type: ignore[misc]
    """Scores one call after the other, one each time that it is begun and gone on with."""

    def __init__(self, runner: ScriptRunner) -> None:
        super().__init__(self._run, getcurrent())
        self.call: Call | None = None
        self.outcome: Result | None = None
        self.waiting: Waiting | None = None
        self.meets = True  # not while it calls a method for itself or others
        self.state: RunnerState = IDLE  # of the runner, while another task goes on
        self._runner = runner

    def begin(self, call: Call) -> None:
        """The call is scored when it is switched to."""
        self.call = call
        self.outcome = None
        self.waiting = None
        self.meets = True
        self.state = IDLE
        self.gr_context = contextvars.copy_context()

    def end(self) -> None:
        """It is done, and keeps nothing of the call until it is begun again."""
        self.outcome = None
        self.gr_context = contextvars.Context()

    def wait(self) -> None:
        """Lets others go on until it is gone on with."""
        self.parent.switch(not _BLOCKED)

    def let_others_go_on(self) -> None:
        """The same where it is blocked by something else than a model."""
        self.parent.switch(_BLOCKED)

    def _run(self) -> None:
        while True:
            assert self.call is not None
            self.outcome = self._runner.score(self.call)
            self.call = None
            self.parent.switch(not _BLOCKED)


class TaskPool:
    """Tasks that are used again: to make a greenlet takes ten times as long as to switch to one,
    for Python gives it a stack of its own.
    """

    def __init__(self, runner: ScriptRunner) -> None:
        self._runner = runner
        self._tasks: list[Task] = []

    def begin(self, calls: Sequence[Call]) -> list[Task]:
        """A task for each call; those of earlier calls are done."""
        tasks = [task for task in self._tasks if not task.dead]
        while len(tasks) < len(calls):
            tasks.append(Task(self._runner))
        self._tasks = tasks
        begun = tasks[: len(calls)]
        for task, call in zip(begun, calls, strict=True):
            task.begin(call)
        return begun
