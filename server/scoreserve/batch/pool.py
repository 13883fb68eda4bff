"""Processes of this machine that score mini-batches. The driver's side; no threads.

A process holds the mini-batch that it scores, and the next, as long as there are enough for the
others: so none of them waits. One that ends is replaced. What it scored is tried again, or has
failed (`retries`); what it held beside has not begun.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import tempfile
from collections import deque
from collections.abc import Generator, Iterator, Mapping
from multiprocessing import Pipe
from multiprocessing.connection import Connection, wait
from pathlib import Path

from scoreserve.batch.retries import KILLS, Retries
from scoreserve.batch.scorer import LOGS
from scoreserve.batch.waiting import MiniBatchQueue
from scoreserve.batch.work import (
    EXIT_TOO_MANY_FAILED,
    READY,
    CannotStart,
    Done,
    MiniBatch,
    StartError,
    Work,
)
from scoreserve.compute_budget import thread_limits
from scoreserve.module_command import module_command

_IN_HAND = 2
_STARTS_PER_PROCESS = 3  # that may fail, as ParallelRunStep has it
_KILLS_PER_PROCESS = 10  # from outside, while it starts
_GPUS = "CUDA_VISIBLE_DEVICES"
_GPU_DEVICE = re.compile(r"nvidia(\d+)")


class _Member:
    """A process, and what it holds: the first is what it scores, once it is ready."""

    def __init__(self, slot: int, process: subprocess.Popen[bytes], connection: Connection) -> None:
        self.slot = slot
        self.process = process
        self.connection = connection
        self.in_hand: deque[MiniBatch] = deque()
        self.is_ready = False
        self.is_leaving = False
        self.start_error: StartError | None = None


class Pool:
    """`workers` processes for a job, which share `cpus`."""

    def __init__(self, work: Work, workers: int, cpus: int) -> None:
        self._work = work
        self._workers = workers
        environ = {**os.environ, **work.variables}
        self._environ = {**environ, **thread_limits(cpus, workers, environ)}
        self._gpus = gpus(environ)
        self._retries = Retries(work.max_tries)
        self._members: dict[Connection, _Member] = {}
        self._free_slots = list(range(workers))
        self._failed_starts = self._killed_starts = 0

    def results(self, batches: Iterator[MiniBatch]) -> Generator[Done, None, None]:
        """What becomes of each, as it ends. Closing the generator ends all processes. Raises
        CannotStart.
        """
        waiting = MiniBatchQueue(batches)
        with tempfile.TemporaryDirectory(prefix="scoreserve-batch-") as home:
            try:
                self._staff(waiting, home)
                while self._members:
                    for ready in wait(list(self._members)):
                        assert isinstance(ready, Connection)
                        yield from self._hear(self._members[ready], waiting)
                    self._staff(waiting, home)
            finally:
                self._end()

    def _staff(self, waiting: MiniBatchQueue, home: str) -> None:
        """Starts as many processes as there is work for. One that is not ready will take some."""
        while self._free_slots:
            starting = sum(not member.is_ready for member in self._members.values())
            if not waiting.has(starting + 1):
                return
            member = self._started(self._free_slots.pop(0), home)
            self._members[member.connection] = member

    def _started(self, slot: int, home: str) -> _Member:
        agent = f"process{slot:03}"  # as ParallelRunStep has it
        environ = dict(self._environ)
        if slot < len(self._gpus):
            environ[_GPUS] = self._gpus[slot]
        folder = tempfile.mkdtemp(prefix=f"{agent}-", dir=home)
        ours, theirs = Pipe()
        with theirs, open(Path(self._work.output, LOGS, f"{agent}.txt"), "ab") as log:
            process = subprocess.Popen(
                [*module_command("scoreserve.batch.process"), str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                cwd=folder,
                env=environ,
                start_new_session=True,
            )
        member = _Member(slot, process, ours)
        with contextlib.suppress(OSError):  # it has ended: the next that is heard of it says so
            ours.send((agent, self._work.to_json()))
        return member

    def _hear(self, member: _Member, waiting: MiniBatchQueue) -> Iterator[Done]:
        try:
            message = member.connection.recv()
        except (EOFError, OSError):
            yield from self._ended(member, waiting)
            return
        if isinstance(message, StartError):
            member.start_error = message
            return
        if isinstance(message, Done):
            member.in_hand.popleft()
            yield self._retries.with_earlier_tries(message)
        else:
            assert message == READY
            member.is_ready = True
        self._hand_over(member, waiting)

    def _hand_over(self, member: _Member, waiting: MiniBatchQueue) -> None:
        with contextlib.suppress(OSError):  # it has ended: the next that is heard of it says so
            while len(member.in_hand) < _IN_HAND:
                # A second one only where the others find enough.
                if not waiting.has(self._workers if member.in_hand else 1):
                    break
                member.in_hand.append(waiting.take())
                member.connection.send(member.in_hand[-1])
            if not member.in_hand and not member.is_leaving:
                member.is_leaving = True
                member.connection.send(None)

    def _ended(self, member: _Member, waiting: MiniBatchQueue) -> Iterator[Done]:
        """A process has closed its end."""
        del self._members[member.connection]
        member.connection.close()
        code = member.process.wait()
        _end_session(member.process)
        self._free_slots.append(member.slot)
        if not member.is_ready:
            self._count_failed_start(member, code)
            return
        if member.in_hand and code != EXIT_TOO_MANY_FAILED:
            scored = member.in_hand.popleft()
            done = self._retries.process_ended(scored, code)
            if done is not None:
                yield done
            else:
                waiting.put_back(scored)
        for batch in reversed(member.in_hand):
            waiting.put_back(batch)

    def _count_failed_start(self, member: _Member, code: int) -> None:
        """Raises CannotStart where it is no use to try again."""
        if code in KILLS:
            self._killed_starts += 1
        else:
            self._failed_starts += 1
        error = member.start_error or StartError(
            f"What     The process ended with exit code {code} before the script was ready\n"
            f"Where    {Path(self._work.output, LOGS)}"
        )
        too_many = (
            self._failed_starts >= _STARTS_PER_PROCESS * self._workers
            or self._killed_starts >= _KILLS_PER_PROCESS * self._workers
        )
        if error.is_final or too_many:
            raise CannotStart(error.text)

    def _end(self) -> None:
        for member in self._members.values():
            _end_session(member.process)
            member.process.wait()
            member.connection.close()
        self._members.clear()


def gpus(environ: Mapping[str, str]) -> list[str]:
    """The GPUs of this machine, as CUDA_VISIBLE_DEVICES names them."""
    if _GPUS in environ:
        return [name for name in environ[_GPUS].split(",") if name]
    found = (_GPU_DEVICE.fullmatch(name) for name in os.listdir("/dev"))
    return [str(number) for number in range(sum(match is not None for match in found))]


def _end_session(process: subprocess.Popen[bytes]) -> None:
    """Kills it, and what the script has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
