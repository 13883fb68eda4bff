"""Calls of run() that are under way together, each on a greenlet of the main thread.

    calls ─→ a greenlet each ─→ run() ─→ model.predict ┐ waits            ┌→ own result ─→ outcome
                                run() ─→ model.predict ┼─ one call for all ┼→ own result ─→ outcome
                                run() ─→ raises: its own outcome           └→ …

One greenlet goes on until its call is done or comes to a known method of a model, where it waits.
When none can go on, the rows of those that wait for the same method of the same model, with the
same type, dtype, columns and other arguments, are put together; one of them calls the method for
all, and each goes on with its own rows of the result. run() is called exactly once for each.

A shared call that raises is made again in halves, down to single calls: each that fails raises what
its own rows raise. A call of run() that blocks lets the others go on first.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import Any, Final

from greenlet import getcurrent

from scoreserve.wire import Outcome
from scoreserve.worker.model import callers
from scoreserve.worker.model.block_watch import BlockWatch
from scoreserve.worker.model.interception import Interception
from scoreserve.worker.model.libraries.library import Library
from scoreserve.worker.model.method_state import MethodState
from scoreserve.worker.model.shared_calls import SharedCalls
from scoreserve.worker.model.task import Task, TaskPool
from scoreserve.worker.model.thread_state import ThreadState
from scoreserve.worker.model.waiting import PENDING, Waiting
from scoreserve.worker.rows.batch_counts import BatchCounts
from scoreserve.worker.script.calling import Call
from scoreserve.worker.script.script_runner import (
    Begin,
    Result,
    RunnerState,
    ScriptRunner,
    nobody_told,
)

_log = logging.getLogger("azmlinfsrv")

_MOST_BYTES: Final = 1 << 24  # of bodies of calls that are under way together
_MOST_BLOCKS: Final = 3  # of run(), after which calls do not meet any more
_MOST_METHODS: Final = 256  # that are remembered
_TRIED_CALLS: Final = 256  # that were under way together; if none waited, the next are not
_APART_CALLS: Final = 4096  # so many
_TRIED_AGAIN: Final = 64  # and then so many are tried
_modules: Final = sys.modules


class _Group:
    """Those that can share a call, and whose greenlet makes it."""

    def __init__(self, leader: Task) -> None:
        self.leader = leader
        self.members: list[Waiting] = []


class ModelRunner:
    """Scores calls so that they meet, at most `most` of them at once. `exact`: only where results
    are equal to the bit.
    """

    def __init__(self, runner: ScriptRunner, most: int, exact: bool = False) -> None:
        self.off = ""
        self._runner = runner
        self._most = most
        self._most_bytes = _MOST_BYTES
        self._apart_calls = _APART_CALLS
        self._exact = exact
        self._methods: dict[tuple[int, str], tuple[Any, MethodState]] = {}
        self._counts = BatchCounts()
        self._shared = SharedCalls(self._counts, self._note_change)
        self._interception = Interception(self._meet)
        self._watch = BlockWatch(self._let_others_go_on)
        self._tasks = TaskPool(runner)
        self._blocks = 0
        self._changed = True
        self._in_vain = 0  # calls that were under way together though none waited, lately
        self._apart = 0  # calls that are not to be
        # Of the calls that are under way.
        self._batch = 0  # which one of all
        self._base = ThreadState()
        self._in_force: ThreadState | None = None  # if it is known
        self._parked = False  # some of them wait, and could go on

    def start(self) -> None:
        """After init(): models may be there."""
        self._interception.look()

    def close(self) -> None:
        """Puts everything back, for tests."""
        self._interception.undo()

    def score(
        self, calls: Sequence[Call | Outcome], begin: Begin = nobody_told
    ) -> Iterator[list[Result]]:
        """The outcomes of all calls, each once: together those that were there at one time.

        `begin` is told which calls are under way together, before they begin.
        """
        refused: list[Result] = [call for call in calls if isinstance(call, Outcome)]
        if refused:
            yield refused
        good = [call for call in calls if not isinstance(call, Outcome)]
        most = 1 if self.off or self._apart > 0 else self._most
        for group in _groups(good, most, self._most_bytes):
            begin(group)
            if len(group) == 1:
                self._apart -= 1
                yield [self._runner.score(group[0])]
            else:
                yield from self._score_together(group)
        self._shared.audit()
        self._interception.look()

    def report(self) -> dict[str, Any] | None:
        """What is new since the last report: `merged` calls as (requests, rows), `fallbacks` by
        reason, and when it changed where the methods stand (`methods`) and why no calls meet
        (`off`). None: nothing is new.
        """
        news = self._counts.take()
        if self._changed:
            self._changed = False
            methods = [
                {
                    "model": state.model,
                    "method": state.method,
                    "step": state.step,
                    "off": state.off or state.refusal,
                }
                for _, state in self._methods.values()
            ]
            news = {**(news or {}), "methods": methods, "off": self.off}
        return news

    # The hub: the main greenlet.

    def _score_together(self, calls: Sequence[Call]) -> Iterator[list[Result]]:
        self._in_force = self._base = ThreadState()
        self._batch += 1
        self._watch.begin()
        running = ready = self._tasks.begin(calls)
        streamed: list[Result] = []
        waited = False
        while running:
            blocked = [task for task in ready if self._go_on(task)]
            whole: list[Result] = []
            waiting: list[Task] = []
            going_on: list[Task] = []
            for task in running:
                outcome = task.outcome
                if outcome is None:
                    going_on.append(task)
                    if task.waiting is not None:
                        waiting.append(task)
                    continue
                task.end()
                if isinstance(outcome, Outcome):
                    whole.append(outcome)
                else:
                    streamed.append(outcome)  # which takes as long as its client likes
            running = going_on
            if whole:
                yield whole
            if waiting:
                waited = True
                self._resolve(waiting)
            ready = waiting + blocked  # the last may wait for one of the others
        self._watch.end()
        self._note_use(len(calls), waited)
        if streamed:
            self._switch_off("run() streams its answers")
            yield streamed

    def _note_use(self, calls: int, waited: bool) -> None:
        """A run() that calls no known method is served as without batching, but for a try."""
        self._in_vain = 0 if waited else self._in_vain + calls
        if self._in_vain >= _TRIED_CALLS:
            self._in_vain, self._apart = _TRIED_CALLS - _TRIED_AGAIN, self._apart_calls

    def _go_on(self, task: Task) -> bool:
        """Lets a task go on until it waits or is done; returns whether it blocked instead."""
        if task.waiting is None:
            self._put_in_force(self._base)
        task.waiting = None
        return self._switch(task, task.state)

    def _switch(self, task: Task, state: RunnerState) -> bool:
        """Switches to the task, with the runner in this state; returns whether it blocked."""
        self._watch.segment += 1
        self._runner.take_up(state)
        blocked: bool = task.switch()
        task.state = self._runner.set_aside()
        waiting = task.waiting
        if waiting is None:
            self._in_force = None  # whatever it left
        else:
            waiting.until = task.state[0]
            self._parked = True
        return blocked

    def _put_in_force(self, state: ThreadState) -> None:
        if self._in_force is not state:
            self._in_force = state
            state.restore()

    def _resolve(self, tasks: Sequence[Task]) -> None:
        """Finds out with what each of those that wait goes on."""
        self._parked = False
        groups: dict[tuple[int, Hashable], _Group] = {}
        last: Waiting | None = None
        group: _Group | None = None
        for task in tasks:
            waiting = task.waiting
            assert waiting is not None
            # Most are like the one before, and to look that up would take longer.
            if (
                group is None
                or last is None
                or waiting.state is not last.state
                or waiting.key != last.key
            ):
                last = waiting
                group = groups.setdefault((id(waiting.state), waiting.key), _Group(task))
            group.members.append(waiting)
        for group in groups.values():
            if len(group.members) > 1 and group.members[0].joins:
                self._lead(group)

    def _lead(self, group: _Group) -> None:
        """Has the first of a group call the method for all, as if it went on; but then it waits."""
        leader, waiting = group.leader, group.members[0]
        if waiting.state.off:
            return
        state = leader.state
        waiting.shared = group.members
        until = min([member.until for member in group.members])
        self._switch(leader, (until, state[1], state[2]))
        leader.state = state
        waiting.shared = []

    # On a task's greenlet.

    def _meet(  # noqa: PLR0913, PLR0917 - it is on the way of each request
        self,
        library: Library,
        model: Any,
        method: str,
        bound: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: Mapping[str, Any],
    ) -> Any:
        """Called in the place of a known method; `bound` is the method itself."""
        task = getcurrent()
        if type(task) is not Task or not task.meets or _in_event_loop():
            return bound(*args, **kwargs)
        state = self._state_of(library, model, method)
        refusal = state.off or state.of_model or callers.refusal(self._runner.code)
        refusal = refusal or library.refusal_of_call(model, method, args, kwargs)
        if refusal != state.refusal:
            self._changed = True
        if state.refused(refusal):
            return bound(*args, **kwargs)
        rows_call = library.rows_argument(model, method, args, kwargs)
        waiting = Waiting(state, rows_call, bound, self._base.now(), self._exact or state.exact)
        self._wait(task, waiting)
        while waiting.shared:
            task.meets = False
            try:
                self._shared.call_for(waiting.shared)
            finally:
                task.meets = True
            self._wait(task, waiting)
        if waiting.result is not PENDING:
            return waiting.result
        if waiting.error is not None:
            raise waiting.error
        task.meets, off_before = False, state.off
        try:
            return waiting.alone()
        finally:
            task.meets = True
            if state.off != off_before:
                self._shared.tell_off(state)

    def _wait(self, task: Task, waiting: Waiting) -> None:
        task.waiting = waiting
        self._in_force = waiting.thread_state
        task.wait()
        self._put_in_force(waiting.thread_state)

    def _state_of(self, library: Library, model: Any, method: str) -> MethodState:
        """What is known of the method; what its library says of the model is of this batch."""
        found = self._methods.get((id(model), method))
        if found is not None and found[0] is model:
            state = found[1]
        else:
            if len(self._methods) >= _MOST_METHODS:
                self._methods.clear()
            state = MethodState(type(model).__name__, method)
            self._methods[id(model), method] = model, state
            self._changed = True
        if state.looked_at != self._batch:
            state.looked_at = self._batch
            state.of_model = library.refusal_of_model(model, method)
            state.exact = library.exact(model, method)
        return state

    # Blocking.

    def _let_others_go_on(self) -> None:
        """The handler: what the current task waits for takes long, and others could go on."""
        task = getcurrent()
        if type(task) is not Task or not task.meets or not self._parked:
            return
        if task.call is None or task.outcome is not None:
            return  # it is done
        self._blocks += 1
        if self._blocks == _MOST_BLOCKS:
            self._switch_off("run() waits time and again for something else than its model")
        state = ThreadState()
        task.let_others_go_on()
        self._in_force = state
        state.restore()

    def _note_change(self) -> None:
        self._changed = True

    def _switch_off(self, reason: str) -> None:
        if not self.off:
            self.off = reason
            self._changed = True
            _log.warning("Batching is off: %s", reason)


def _in_event_loop() -> bool:
    """Whether the script runs an event loop at this moment: a thread has one at a time."""
    asyncio: Any = _modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001


def _groups(calls: Sequence[Call], most: int, most_bytes: int) -> Iterator[list[Call]]:
    """Calls that may be under way together: not too many, nor with too large bodies."""
    group: list[Call] = []
    size = 0
    for call in calls:
        if group and (len(group) >= most or size + call.body_bytes > most_bytes):
            yield group
            group, size = [], 0
        group.append(call)
        size += call.body_bytes
    if group:
        yield group
