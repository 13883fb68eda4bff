"""Actors of a Ray cluster that score mini-batches, by Ray Data. Needs the extra `ray`.

    blocks     one row of text for each mini-batch, which says where it is: an exact mini-batch is
               one block, and no task of Ray's reads or shuffles (such a task starves beside actors
               that hold all CPUs, and the job hangs)
    actors     a process each, with the script; Ray starts another where one is lost with its
               machine, and hands it the block again
    attempts   one actor beside the driver that counts begun tries, since an actor that ends takes
               what it knows with it

The script, its model and the inputs have the same paths on all machines.
"""

from __future__ import annotations

import logging
import math
import os
import socket
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

from scoreserve.batch.retries import MOST_KILLS, lost
from scoreserve.batch.scorer import LOGS, Scorer
from scoreserve.batch.watchdog import Watchdog
from scoreserve.batch.work import CannotStart, Done, MiniBatch, UnusableInput, Work
from scoreserve.compute_budget import thread_limits

_COLUMN = "mini_batch"
_INSTALL = "pip install 'scoreserve[ray]'"
_LOCAL = "local"
_SHUTDOWN_SECONDS = 10.0
_TOLD_SECONDS = 5.0
_LOOK_SECONDS = 0.1
_CONNECT_SECONDS = 10.0
_STARTS = 3  # of a script in an actor, as ParallelRunStep has it
# Less than a whole: Ray's own tasks want one CPU, and would starve beside actors that hold all.
_CPUS_AN_ACTOR = 0.75


class RayEngine:
    """Up to `workers` actors on the cluster at `address`: auto, HOST:PORT, or local for one that is
    started here. Raises UnusableInput where there is no Ray, or no cluster.
    """

    def __init__(self, work: Work, workers: int | None, address: str) -> None:
        self._work = work
        self._ray = _connected(address)
        found = self._ray.cluster_resources()
        self._gpus = int(found.get("GPU", 0))
        self._workers = workers or self._gpus or max(1, int(found.get("CPU", 1)))

    def results(self, batches: Iterator[MiniBatch]) -> Generator[Done, None, None]:
        """What becomes of each, as it ends. Closing the generator ends all actors. Raises
        CannotStart.
        """
        import pyarrow

        blocks = [pyarrow.table({_COLUMN: [batch.to_json()]}) for batch in batches]
        try:
            if blocks:
                yield from self._scored(blocks)
        finally:
            self._ray.shutdown()

    def _scored(self, blocks: list[Any]) -> Iterator[Done]:
        data = self._ray.data
        workers = min(self._workers, len(blocks))
        attempts = self._attempts()
        scored = data.from_arrow(blocks).map_batches(
            _Actor,
            fn_constructor_args=(self._work.to_json(), attempts),
            batch_size=1,  # that is a block, and with GPUs Ray wants a number
            batch_format="pyarrow",
            # Else Ray calls run() on a thread of its own, where what init() has made may not work,
            # and no signal ends it. There is one call at a time all the same.
            compute=data.ActorPoolStrategy(
                min_size=1,
                initial_size=workers,
                max_size=workers,
                enable_true_multi_threading=True,
            ),
            num_cpus=_CPUS_AN_ACTOR,
            num_gpus=gpus_an_actor(self._gpus, workers),
            runtime_env={"env_vars": {**thread_limits(1, 1, os.environ), **self._work.variables}},
        )
        for table in scored.iter_batches(batch_size=None, batch_format="pyarrow"):
            for row in table.to_pylist():
                if row["cannot_start"]:
                    raise CannotStart(row["cannot_start"])
                del row["cannot_start"]
                yield Done(**row)
        self._await_shutdowns(attempts)

    def _await_shutdowns(self, attempts: Any) -> None:
        """Lets the scripts' shutdown() come to its end. Ray ends actors when nothing is left."""
        until = time.monotonic() + _SHUTDOWN_SECONDS
        while self._ray.get(attempts.present.remote()) and time.monotonic() < until:
            time.sleep(_LOOK_SECONDS)

    def _attempts(self) -> Any:
        """The actor that counts, on the driver's own machine, which the job ends with anyway."""
        from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

        here = self._ray.get_runtime_context().get_node_id()
        strategy = NodeAffinitySchedulingStrategy(here, soft=False)
        remote = self._ray.remote(
            num_cpus=0, scheduling_strategy=strategy, max_restarts=-1, max_task_retries=-1
        )(Attempts)
        return remote.remote(self._work.max_tries)


def gpus_an_actor(gpus: int, workers: int) -> float:
    """A whole one while there are enough, else the part by which several share one. Ray hides GPUs
    from an actor that asks for none.
    """
    return min(1.0, 1 / math.ceil(workers / gpus)) if gpus else 0.0


class Attempts:
    """Counts what has begun and not ended. Its methods are called from the actors, one by one."""

    def __init__(self, max_tries: int) -> None:
        self._max_tries = max_tries
        self._begun_on: dict[int, str] = {}
        self._timeouts: dict[int, int] = {}
        self._lost: dict[int, int] = {}
        self._present: dict[str, str] = {}

    def come(self, agent: str, node: str) -> None:
        """A script has started."""
        self._present[agent] = node

    def leave(self, agent: str) -> None:
        """Its shutdown() has ended."""
        self._present.pop(agent, None)

    def present(self) -> int:
        """How many have not left, of those whose machine is still there."""
        alive = _nodes_alive()
        return sum(node in alive for node in self._present.values())

    def begin(self, number: int, node: str) -> str:
        """Called before a mini-batch is scored on this machine. Returns why it must not be, or "":
        it has cost too many processes. Machines that are gone do not count.
        """
        before = self._begun_on.get(number)
        if before is not None and before in _nodes_alive():
            self._lost[number] = self._lost.get(number, 0) + 1
        self._begun_on[number] = node
        if self._timeouts.get(number, 0) >= self._max_tries:
            return "run() took too long, and its process was ended"
        if self._lost.get(number, 0) >= MOST_KILLS:
            return "its process ended again and again while it scored it"
        return ""

    def end(self, number: int) -> None:
        self._begun_on.pop(number, None)

    def time_out(self, number: int) -> None:
        """Its process is about to be ended."""
        self._begun_on.pop(number, None)
        self._timeouts[number] = self._timeouts.get(number, 0) + 1

    def tries(self, number: int) -> int:
        return self._timeouts.get(number, 0) + self._lost.get(number, 0)


class _Actor:
    """What Ray Data makes in each of its processes; called with one block after the other."""

    def __init__(self, work: str, attempts: Any) -> None:
        import ray

        self._ray = ray
        self._work = Work.from_json(work)
        self._attempts = attempts
        self._node = ray.get_runtime_context().get_node_id()
        self._home = tempfile.TemporaryDirectory(
            prefix="scoreserve-batch-", ignore_cleanup_errors=True
        )
        self._in_hand = _InHand(attempts, self._home)
        self._scorer: Scorer | None = None
        self._cannot_start = ""
        os.chdir(self._home.name)
        self._agent = f"{self._node[:8]}-{os.getpid()}"
        _write_output_to(Path(self._work.output, LOGS, f"{self._agent}.txt"))
        longest = self._work.longest_run_seconds
        self._scorer = self._started(Watchdog(longest, self._in_hand.timed_out))
        if self._scorer is not None:
            self._attempts.come.remote(self._agent, self._node)

    def __call__(self, table: Any) -> Any:
        import pyarrow

        batch = MiniBatch.from_json(table[_COLUMN][0].as_py())
        done = self._done(batch)
        row = {**done._asdict(), "cannot_start": self._cannot_start}
        return pyarrow.Table.from_pylist([row])

    def __del__(self) -> None:
        """Calls the script's shutdown(): Ray Data lets go of the object when no work is left. Then
        the folder goes, as it does where the job has ended before.
        """
        if self._scorer is not None:
            self._scorer.shutdown()
        self._home.cleanup()
        if self._scorer is not None:
            self._ray.get(self._attempts.leave.remote(self._agent), timeout=_TOLD_SECONDS)

    def _started(self, watchdog: Watchdog) -> Scorer | None:
        """None: the script cannot start, and the driver is told so with the first block."""
        tries = (self._started_once(watchdog) for _ in range(_STARTS))
        return next((scorer for scorer in tries if scorer is not None), None)

    def _started_once(self, watchdog: Watchdog) -> Scorer | None:
        try:
            return Scorer(self._work, self._agent, watchdog)
        except CannotStart as error:
            self._cannot_start = str(error)
            return None

    def _done(self, batch: MiniBatch) -> Done:
        if self._scorer is None:
            return lost(batch, 0, "")
        self._in_hand.number = batch.number
        refused = self._ray.get(self._attempts.begin.remote(batch.number, self._node))
        if refused:
            return lost(batch, self._ray.get(self._attempts.tries.remote(batch.number)), refused)
        try:
            return self._scorer.score(batch)
        finally:
            self._attempts.end.remote(batch.number)


class _InHand:
    """The mini-batch that an actor scores. The watchdog's thread holds this, and not the actor,
    which could not be let go of then.
    """

    def __init__(self, attempts: Any, home: tempfile.TemporaryDirectory[str]) -> None:
        """`home` is the folder of the process, which goes with it."""
        self._attempts = attempts
        self._home = home
        self.number = -1

    def timed_out(self) -> None:
        """Its process is about to be ended."""
        import ray

        ray.get(self._attempts.time_out.remote(self.number), timeout=_TOLD_SECONDS)
        self._home.cleanup()


def _connected(address: str) -> Any:
    try:
        import ray
        import ray.data
    except ModuleNotFoundError as error:
        raise UnusableInput(f"--ray-address needs the package {error.name}: {_INSTALL}") from None
    _require_answer(address)
    try:
        ray.init(
            address=None if address == _LOCAL else address,
            include_dashboard=False if address == _LOCAL else None,
            log_to_driver=False,
            logging_level="warning",
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        told = str(error).rstrip(".")
        raise UnusableInput(
            f"--ray-address {address}: there is no cluster that lets this process in: {told}. One"
            " that asks for a token needs RAY_AUTH_MODE=token, and the file ~/.ray/auth_token."
        ) from None
    logging.getLogger("ray.data").setLevel(
        logging.ERROR
    )  # it warns of what is done here on purpose
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    context.max_consecutive_actor_init_deaths = -1
    return ray


def _require_answer(address: str) -> None:
    """Raises UnusableInput where nobody listens at HOST:PORT: Ray would look for minutes."""
    host, colon, port = address.rpartition(":")
    if not colon or "://" in address:
        return
    try:
        socket.create_connection((host, int(port)), timeout=_CONNECT_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise UnusableInput(f"--ray-address {address}: there is no such cluster: {error}") from None


def _nodes_alive() -> set[str]:
    import ray

    return {node["NodeID"] for node in ray.nodes() if node["Alive"]}


def _write_output_to(path: Path) -> None:
    """Has all that this process prints, and its children, in a file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
