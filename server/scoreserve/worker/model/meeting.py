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

import contextvars
import copy
import logging
import random
import sys
import time
from collections.abc import Callable, Hashable, Iterator, Sequence
from typing import Any, Final

from greenlet import getcurrent, greenlet

from scoreserve.wire import Outcome
from scoreserve.worker.model.block_watch import BlockWatch
from scoreserve.worker.model.interception import Interception, MethodCall
from scoreserve.worker.model.join import NotByRows, cut, join, key_of, rows_of, same
from scoreserve.worker.model.libraries import RowsCall
from scoreserve.worker.model.method_state import MethodState
from scoreserve.worker.model.thread_state import ThreadState
from scoreserve.worker.rows.batch_counts import BatchCounts
from scoreserve.worker.script.alarm import OutOfTime
from scoreserve.worker.script.calling import Call
from scoreserve.worker.script.script_runner import (
    IDLE,
    Begin,
    Result,
    RunnerState,
    ScriptRunner,
    nobody_told,
)

_log = logging.getLogger("azmlinfsrv")

_MOST_BYTES = 1 << 24  # of bodies of calls that are under way together
_MOST_BLOCKS = 3  # of run(), after which calls do not meet any more
_AUDITED_SHARE = 0.01  # of the time of shared calls
_MOST_METHODS = 256  # that are remembered
_TRIED_CALLS = 256  # that were under way together; if none waited, the next are not
_APART_CALLS = 4096  # so many
_TRIED_AGAIN = 64  # and then so many are tried


_PENDING: Final = object()  # the result of who has none yet


class Waiting:
    """A call of a known method that waits for others, and what it goes on with: its `result` or
    `error`; else it calls the method for itself.
    """

    def __init__(
        self,
        state: MethodState,
        call: RowsCall,
        bound: Callable[..., Any],
        thread_state: ThreadState,
        *,
        exact: bool,
    ) -> None:
        self.exact = exact  # results are to be equal to the bit
        self.state = state
        self.call = call
        self.bound = bound
        self.rows = call.rows
        self.thread_state = thread_state
        rows_key = key_of(call.rows)
        self.joins = rows_key is not None
        self.key = id(state), rows_key, call.rest, thread_state.key
        self.shared: list[Task] = []  # those that it is to call the method for, itself included
        self.result: Any = _PENDING
        self.error: BaseException | None = None
        self.raised_together = False

    def alone(self) -> Any:
        """What the method gives for its own rows. Raises what that raises."""
        args, kwargs = self.call.arguments(self.rows)
        started = time.perf_counter()
        try:
            result = self.bound(*args, **kwargs)
        except Exception:
            self.state.raised_alone()
            raise
        self.state.took_alone(time.perf_counter() - started, raised_together=self.raised_together)
        return result


class Task(greenlet):  # type: ignore[misc]
    """One call of run() that is under way."""

    def __init__(self, runner: ScriptRunner, call: Call, hub: greenlet) -> None:
        super().__init__(self._run, hub)
        self.gr_context = contextvars.copy_context()
        self.call = call
        self.outcome: Result | None = None
        self.waiting: Waiting | None = None
        self.meets = True  # not while it calls a method for itself or others
        self.state = IDLE  # of the runner, while another task goes on
        self._runner = runner

    def _run(self) -> None:
        self.outcome = self._runner.score(self.call)


class ModelRunner:
    """Scores calls so that they meet, at most `most` of them at once. `exact`: only where results
    are equal to the bit.
    """

    def __init__(self, runner: ScriptRunner, most: int, *, exact: bool = False) -> None:
        self.off = ""
        self._runner = runner
        self._most = most
        self._exact = exact
        self._methods: dict[tuple[int, str], tuple[Any, MethodState]] = {}
        self._counts = BatchCounts()
        self._interception = Interception(self._meet)
        self._watch = BlockWatch(self._let_others_go_on)
        self._blocks = 0
        self._audits: list[tuple[Waiting, Any, Any]] = []
        self._shared_seconds = self._audited_seconds = 0.0
        self._changed = True
        self._in_vain = 0  # calls that were under way together though none waited, lately
        self._apart = 0  # calls that are not to be
        # Of the calls that are under way.
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
        for group in _groups(good, 1 if self.off or self._apart > 0 else self._most):
            begin(group)
            if len(group) == 1:
                self._apart -= 1
                yield [self._runner.score(group[0])]
            else:
                yield from self._score_together(group)
        self._audit()
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
        self._watch.begin()
        hub = getcurrent()
        running = [Task(self._runner, call, hub) for call in calls]
        ready = list(running)
        streamed: list[Result] = []
        waited = False
        while running:
            blocked = [task for task in ready if self._go_on(task)]
            done = [task.outcome for task in running if task.outcome is not None]
            running = [task for task in running if task.outcome is None]
            whole: list[Result] = [each for each in done if isinstance(each, Outcome)]
            # A stream takes as long as its client likes.
            streamed += [each for each in done if not isinstance(each, Outcome)]
            if whole:
                yield whole
            waiting = [task for task in running if task.waiting is not None]
            waited = waited or bool(waiting)
            self._resolve(waiting)
            ready = waiting + blocked  # the last may wait for one of the others
        self._watch.end()
        self._note_use(len(calls), waited=waited)
        if streamed:
            self._switch_off("run() streams its answers")
            yield streamed

    def _note_use(self, calls: int, *, waited: bool) -> None:
        """A run() that calls no known method is served as without batching, but for a try."""
        self._in_vain = 0 if waited else self._in_vain + calls
        if self._in_vain >= _TRIED_CALLS:
            self._in_vain, self._apart = _TRIED_CALLS - _TRIED_AGAIN, _APART_CALLS

    def _go_on(self, task: Task) -> bool:
        """Lets a task go on until it waits or is done; returns whether it blocked instead."""
        waiting, task.waiting = task.waiting, None
        if waiting is None:
            self._put_in_force(self._base)
        return self._switch(task, waiting, task.state)

    def _switch(self, task: Task, waiting: Waiting | None, state: RunnerState) -> bool:
        """Switches to the task, with the runner in this state; returns whether it blocked."""
        self._watch.segment += 1
        self._runner.take_up(state)
        blocked = task.switch() if waiting is None else task.switch(waiting)
        task.state = self._runner.set_aside()
        if task.waiting is None:
            self._in_force = None  # whatever it left
        else:
            self._parked = True
        return blocked is True

    def _put_in_force(self, state: ThreadState) -> None:
        if self._in_force is not state:
            self._in_force = state
            state.restore()

    def _resolve(self, waiting: Sequence[Task]) -> None:
        """Finds out with what each of those that wait goes on."""
        self._parked = False
        groups: dict[Hashable, list[Task]] = {}
        for task in waiting:
            assert task.waiting is not None
            groups.setdefault(task.waiting.key, []).append(task)
        for group in groups.values():
            first = group[0].waiting
            assert first is not None
            if len(group) > 1 and first.joins and not first.state.off:
                self._lead(group)

    def _lead(self, group: list[Task]) -> None:
        """Has the first of a group call the method for all, as if it went on; but then it waits."""
        leader = group[0]
        waiting, state = leader.waiting, leader.state
        assert waiting is not None
        waiting.shared = group
        until = min(task.state[0] for task in group)
        self._switch(leader, waiting, (until, *state[1:]))
        leader.state = state
        waiting.shared = []

    # On a task's greenlet.

    def _meet(self, asked: MethodCall) -> Any:
        """Called in the place of a known method."""
        library, model, method, bound, args, kwargs = asked
        task = getcurrent()
        if type(task) is not Task or not task.meets or _in_event_loop():
            return bound(*args, **kwargs)
        state = self._state_of(model, method)
        refusal = state.off or library.refusal(model, method, args, kwargs)
        if refusal != state.refusal:
            self._changed = True
        if state.refused(refusal):
            return bound(*args, **kwargs)
        rows_call = library.rows_argument(model, method, args, kwargs)
        exact = self._exact or library.exact(model, method)
        waiting = Waiting(state, rows_call, bound, self._base.now(), exact=exact)
        task.waiting = waiting
        self._wait(task, waiting)
        while waiting.shared:
            task.meets = False
            try:
                self._call_for(waiting.shared)
            finally:
                task.meets = True
            self._wait(task, waiting)
        if waiting.result is not _PENDING:
            return waiting.result
        if waiting.error is not None:
            raise waiting.error
        task.meets, off_before = False, state.off
        try:
            return waiting.alone()
        finally:
            task.meets = True
            if state.off != off_before:
                self._tell_off(state)

    def _wait(self, task: Task, waiting: Waiting) -> None:
        self._in_force = waiting.thread_state
        task.parent.switch(False)
        self._put_in_force(waiting.thread_state)

    def _call_for(self, group: Sequence[Task]) -> None:
        """Calls the method for all of the group, on the greenlet of its first. Who then has neither
        result nor error calls it for itself.
        """
        try:
            self._share(group)
        except OutOfTime:  # that of one of them is over
            now = time.monotonic()
            for task in group:
                if task.waiting is not None and task.state[0] <= now:
                    task.waiting.error = OutOfTime()

    def _share(self, group: Sequence[Task]) -> None:
        members = [task.waiting for task in group if task.waiting is not None]
        state = members[0].state
        if state.off:  # since another half
            return
        try:
            results = self._shared_results(members)
        except OutOfTime:
            raise
        except NotByRows as error:
            self._end_meeting(state, str(error))
            return
        except Exception:
            self._raised_together(group)
            return
        alike = all(same(result, results[0], exact=True) for result in results[1:])
        if not state.may_use(alike=alike):
            self._prove(members, results)
            return
        for member, result in zip(members, results, strict=True):
            member.result = result
        self._counts.merged(len(members), sum(rows_of(member.rows) for member in members))
        self._note_audit(members)

    def _raised_together(self, group: Sequence[Task]) -> None:
        """A call for all of the group raised: its halves are tried, so each sees its own error."""
        middle = len(group) // 2
        for half in (group[:middle], group[middle:]):
            if len(half) > 1:
                self._share(half)
                continue
            self._counts.fell_back("raised")
            if half[0].waiting is not None:
                half[0].waiting.raised_together = True

    def _shared_results(self, members: Sequence[Waiting]) -> list[Any]:
        """What the method gives for the rows of all, cut up again. Raises NotByRows, or whatever
        the method raises.
        """
        first = members[0]
        started = time.perf_counter()
        args, kwargs = first.call.arguments(join([member.rows for member in members]))
        result = first.bound(*args, **kwargs)
        counts = [rows_of(member.rows) for member in members]
        results = cut(result, counts, several=first.call.several)
        seconds = time.perf_counter() - started
        first.state.took_met(seconds, len(members))
        self._shared_seconds += seconds
        if first.state.off:
            self._tell_off(first.state)
        return results

    def _prove(self, members: Sequence[Waiting], results: Sequence[Any]) -> None:
        """Gives each the result of a call of its own, and compares those with the shared ones."""
        state, before = members[0].state, members[0].state.step
        self._counts.fell_back("unproven", len(members))
        for member in members:
            try:
                member.result = member.alone()
            except OutOfTime:
                raise
            except Exception as error:
                member.error = error
                return  # which proves nothing
        for member, result in zip(members, results, strict=True):
            if not same(result, member.result, exact=member.exact):
                self._end_meeting(state, "rows_differ")
                return
        first = members[0].result
        state.proven(alike=all(same(each.result, first, exact=True) for each in members[1:]))
        if state.step != before:
            self._changed = True
            _log.info("Batching: calls of %s.%s meet from now on", state.model, state.method)

    def _end_meeting(self, state: MethodState, reason: str) -> None:
        state.off = reason
        self._tell_off(state)

    def _tell_off(self, state: MethodState) -> None:
        self._changed = True
        _log.warning(
            "Batching: calls of %s.%s do not meet any more (%s)",
            state.model,
            state.method,
            state.off,
        )

    def _state_of(self, model: Any, method: str) -> MethodState:
        found = self._methods.get((id(model), method))
        if found is not None and found[0] is model:
            return found[1]
        if len(self._methods) >= _MOST_METHODS:
            self._methods.clear()
        state = MethodState(type(model).__name__, method)
        self._methods[id(model), method] = model, state
        self._changed = True
        return state

    # Blocking, and looking again.

    def _let_others_go_on(self) -> None:
        """The handler: what the current task waits for takes long, and others could go on."""
        task = getcurrent()
        if type(task) is not Task or not task.meets or not self._parked:
            return
        self._blocks += 1
        if self._blocks == _MOST_BLOCKS:
            self._switch_off("run() waits time and again for something else than its model")
        state = ThreadState()
        task.parent.switch(True)
        self._in_force = state
        state.restore()

    def _switch_off(self, reason: str) -> None:
        if not self.off:
            self.off = reason
            self._changed = True
            _log.warning("Batching is off: %s", reason)

    def _note_audit(self, members: Sequence[Waiting]) -> None:
        """Now and then one of those that shared a call is called alone too, after the answers."""
        if self._audited_seconds <= _AUDITED_SHARE * self._shared_seconds and not self._audits:
            member = random.choice(members)  # noqa: S311 - no secret
            rows, result = copy.deepcopy((member.rows, member.result))
            self._audits.append((member, rows, result))

    def _audit(self) -> None:
        for member, rows, result in self._audits:
            started = time.perf_counter()
            args, kwargs = member.call.arguments(rows)
            try:
                alone = member.bound(*args, **kwargs)
            except Exception:
                _log.exception("Batching: a call of %s alone fails", member.state.method)
            else:
                if not same(result, alone, exact=member.exact):
                    self._end_meeting(member.state, "rows_differ")
            self._audited_seconds += time.perf_counter() - started
        self._audits.clear()


def _in_event_loop() -> bool:
    """Whether the script runs an event loop at this moment: a thread has one at a time."""
    asyncio: Any = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None  # noqa: SLF001


def _groups(calls: Sequence[Call], most: int) -> Iterator[list[Call]]:
    """Calls that may be under way together: not too many, nor with too large bodies."""
    group: list[Call] = []
    size = 0
    for call in calls:
        if group and (len(group) >= most or size + call.body_bytes > _MOST_BYTES):
            yield group
            group, size = [], 0
        group.append(call)
        size += call.body_bytes
    if group:
        yield group
