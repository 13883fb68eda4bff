"""Whether workers are forked from a template, which has run init() once: WORKER_PRELOAD.

    WAITING ─→ LOADING ─→ TRYING ─→ ON ─→ … the template dies: LOADING, and ON again
       └──────────┴──────────┴──────┴─→ OFF, with the reason: workers are spawned

    waiting   for a spawned worker, which serves, to answer the sample request
    loading   a template runs init()
    trying    the first worker that is forked from it is to give the same answer
    on        workers are forked; the spawned one has its place taken

Decides, and starts and ends templates, by way of `make_template`; the workers are the pool's. With
`force` it begins with LOADING, and nothing is tried.

A reload begins anew for the new state of the script, while what was in force before stays in force:
a worker that dies meanwhile is replaced from there.
"""

from __future__ import annotations

import asyncio
import enum
import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from scoreserve.cgroup import Cgroup
from scoreserve.errors import WorkerLost
from scoreserve.front.processes.adoption import OrphanReaper, adopt_orphans
from scoreserve.front.processes.child import spawn_worker
from scoreserve.front.processes.template import Template, TemplateEvents
from scoreserve.front.workers import cpu_policy, fork_trial
from scoreserve.front.workers.exit_reasons import INIT_TIMEOUT, Exceeded, end_of
from scoreserve.front.workers.snapshot import PreloadSnapshot
from scoreserve.front.workers.spawning import Spawning, Start
from scoreserve.front.workers.templates import Templates
from scoreserve.front.workers.time_limits import TimeLimits
from scoreserve.front.workers.worker_process import WorkerProcess
from scoreserve.settings import Settings
from scoreserve.start_failure import StartFailure
from scoreserve.worker_setup import ANSWERING, Answer, Obstacle, Trial, TrialResult

_log = logging.getLogger("azmlinfsrv")

_FRUITLESS_FORKS = 2  # workers that hang in their first run(), or do not start
_TEMPLATE_DEATHS = 3  # of one state of the script


class Phase(enum.Enum):
    """Where preloading stands."""

    WAITING = "waiting"
    LOADING = "loading"
    TRYING = "trying"
    ON = "on"
    OFF = "off"


class Pool(Protocol):
    """The workers, as preloading sees them."""

    def start_trial(self, start: Start) -> WorkerProcess:
        """Raises OSError."""

    def templates_changed(self) -> None:
        """There are other templates than before."""

    def preload_decided(self) -> None:
        """Workers may be started now that were held back, and others replaced."""


def make(settings: Settings, pool: Pool, limits: TimeLimits, clock: Callable[[], float]) -> Preload:
    """Preloading as these settings ask for it."""
    text = settings.to_json()
    impossible = ""
    if settings.debug_port is not None:
        impossible = "AZUREML_DEBUG_PORT is set, and a debugger's threads do not survive a fork"
    elif not adopt_orphans():
        impossible = "it needs Linux, and its prctl(PR_SET_CHILD_SUBREAPER)"

    def template(events: TemplateEvents, generation: int) -> Template:
        made = Template(events, text, generation)
        cpu_policy.drop_inherited(made.pid)
        return made

    return Preload(
        pool,
        template,
        limits,
        force=settings.worker_preload == "force",
        impossible=impossible,
        memory_limit=Cgroup().memory_limit(),
        clock=clock,
    )


class Preload(Spawning):
    """Preloading of one server; `force`: without a trial; `impossible`: why there can be none.
    `memory_limit` is the container's, in bytes; `make_template` is given who is told of it, and the
    generation of the script.
    """

    def __init__(  # noqa: PLR0913 - what surrounds it is given
        self,
        pool: Pool,
        make_template: Callable[[TemplateEvents, int], Template],
        limits: TimeLimits,
        *,
        force: bool,
        impossible: str = "",
        memory_limit: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__()
        self.phase = Phase.OFF
        self.reason = ""  # for which it is OFF
        self.trial: WorkerProcess | None = None
        self.templates = Templates(
            lambda generation: make_template(self, generation), pool.templates_changed
        )
        self._orphans = OrphanReaper()
        self._loading_since = 0.0
        self._expected: Answer | None = None
        self._spawned_seconds = 0.0  # from the start of the worker that gave it
        self._pool = pool
        self._limits = limits
        self._force = force
        self._impossible = impossible
        self._memory_limit = memory_limit
        self._clock = clock
        self._fruitless = 0
        self._deaths = 0
        self._proven = False  # this state of the script
        self._held_back = True  # workers that may yet be forked

    # What the pool asks.

    def wanted(self, workers: int) -> int:
        """Until it is decided, only the one that the first fork is compared with."""
        if not self._held_back:
            return workers
        return 0 if self._force else 1

    @property
    def may_start(self) -> bool:
        return self._proven or self.phase not in (Phase.LOADING, Phase.TRYING)

    def start(self, *, newcomer: bool) -> Start:
        template = self.templates.in_force
        if template is not None and (template.generation == self._generation or not newcomer):
            return Start(template.launch, template.generation)
        trial = Trial() if self.phase is Phase.WAITING else None
        return Start(spawn_worker, self._generation, trial)

    def stage(self) -> str:
        candidate = self.templates.candidate
        return "" if candidate is None else candidate.stage

    def pids(self) -> list[int]:
        return self.templates.pids()

    def is_outdated(self, worker: WorkerProcess) -> bool:
        return self.phase is Phase.ON and not worker.is_forked

    def snapshot(self) -> PreloadSnapshot:
        state = self.phase.value if self.phase in (Phase.ON, Phase.OFF) else "starting"
        template = self.templates.in_force
        return PreloadSnapshot(state, self.reason, template.pid if template else None)

    # What happens.

    def begin(self, generation: int) -> None:
        self.templates.end_candidate()
        if self.trial is not None:
            self.trial.kill()
        super().begin(generation)
        self._expected = None
        self._fruitless = self._deaths = 0
        self._proven = False
        self.reason = ""
        self.phase = Phase.WAITING
        if self._impossible:
            self.off(self._impossible)
        elif self._force:
            self._load()

    def connect(self, loop: asyncio.AbstractEventLoop) -> None:
        self.templates.connect(loop)

    def worker_tried(self, worker: WorkerProcess, result: TrialResult) -> None:
        if worker is self.trial:
            self._expected = None  # no longer: what it does now has no limit of the trial's
            if result.why:
                self.off(result.why)
        else:
            self._answered(result, self._clock() - worker.started)

    def worker_ready(self, worker: WorkerProcess) -> None:
        if worker is self.trial:
            if self.phase is Phase.TRYING:
                self.trial = None
                self._put_in_force()
        elif worker.to_be_forked and not worker.is_forked:
            self._fork_failed()

    def worker_gone(self, worker: WorkerProcess, text: str, *, was_ready: bool) -> bool:
        if worker is self.trial:
            self.trial = None
            if self.phase is Phase.TRYING:
                told = f"the first forked worker {text} before it had answered the sample request"
                failure = worker.start_failure
                self.off(told if failure is None else f"{told}: {failure.line}")
            return True
        hung = worker.killed_for is not None and not worker.answered
        if worker.to_be_forked and not worker.stopping and (hung or not was_ready):
            self._fork_failed(worker.start_failure)
        return False

    def _answered(self, result: TrialResult, seconds: float) -> None:
        """A spawned worker has answered the sample, or has none, so long after its start."""
        if self.phase is not Phase.WAITING:
            return
        copies = 2 if self.templates.in_force is None else 3
        if why := fork_trial.refusal(result, copies, self._memory_limit):
            self.off(why)
        else:
            self._expected, self._spawned_seconds = result.answer, seconds
            self._load()

    def _fork_failed(self, why: StartFailure | None = None) -> None:
        self._fruitless += 1
        if self._fruitless >= _FRUITLESS_FORKS and self.phase is not Phase.OFF:
            what = f"{self._fruitless} forked workers hung in their first run(), or did not start"
            self.off(what if why is None else f"{what}: {why.line}")

    def reload_ended(self, *, ok: bool) -> None:
        if ok:
            self._end_template_of(lambda generation: generation < self._generation)
        elif self.phase is not Phase.ON:
            self.templates.end_candidate()
            old = self.templates.in_force
            self.phase = Phase.OFF if old is None else Phase.ON
            self.reason = "the script could not be reloaded" if old is None else ""
            if old is not None:
                _log.info("preload: on: workers are forked from the template with pid %d", old.pid)

    def look_at_clock(self) -> None:
        self._orphans.look()
        now = self._clock()
        trial = self.trial
        why = self._trial_late(trial, now) if trial is not None else ""
        if trial is not None and why:
            trial.kill_for(Exceeded(INIT_TIMEOUT, WorkerLost(why)))  # its stacks say which
            self.off(why)
        candidate = self.templates.candidate
        if candidate is not None and self.phase is Phase.LOADING:
            exceeded = self._limits.init_exceeded(now - self._loading_since)
            if exceeded is not None:
                candidate.kill()
                self.off(f"in the template, {exceeded.error.message}")

    def _trial_late(self, trial: WorkerProcess, now: float) -> str:
        """Why the first forked worker has failed by now, or ""."""
        if self._expected is None or self.phase is not Phase.TRYING:
            return ""
        if trial.stage == ANSWERING:
            return fork_trial.lateness(self._expected, now - trial.stage_since)
        return fork_trial.late_start(trial.stage, self._spawned_seconds, now - trial.started)

    async def stop(self, seconds: float) -> None:
        self.phase = Phase.OFF
        await self.templates.stop(seconds)

    def off(self, why: str) -> None:
        """Workers of this state of the script are spawned from now on."""
        self.phase = Phase.OFF
        self.reason = why
        _log.warning("preload: off: %s. Each worker runs init() itself.", why.rstrip("."))
        self.templates.end_candidate()
        self._end_template_of(lambda generation: generation == self._generation)
        if self.trial is not None and self.trial.killed_for is None:
            self.trial.kill()
        self._decided()

    # What templates report.

    def template_loaded(self, template: Template, obstacles: Sequence[Obstacle]) -> None:
        """It has run init()."""
        if template is not self.templates.candidate:
            return
        texts = [each.text for each in obstacles]
        if any(each.forbids for each in obstacles) or (texts and not self._force):
            self.off("; ".join(texts))
            return
        for text in texts:
            _log.warning("preload: forced, although %s", text)
        if self._force or self._proven:
            self._put_in_force()
            return
        assert self._expected is not None
        self.phase = Phase.TRYING
        try:
            start = Start(template.launch, template.generation, Trial(self._expected))
            self.trial = self._pool.start_trial(start)
        except OSError as error:
            self.off(f"no worker can be forked: {error}")

    def template_failed(self, template: Template, why: StartFailure) -> None:
        """It cannot load the script, which a spawned worker then tells in full."""
        if template is self.templates.candidate:
            self.off(f"the template could not load the script: {why.line}")

    def template_gone(self, template: Template, exit_code: int) -> None:
        """It has ended; the workers that were forked from it have not."""
        was_loading = template is self.templates.candidate
        was_in_force = template is self.templates.in_force
        self.templates.gone(template)
        told = end_of(exit_code, exceeded=None, boot_failed=False, out_of_memory=None).text
        if was_loading:
            self.off(f"the template {told}")
        if not was_in_force:
            return
        self._deaths += 1
        _log.error("The template with pid %d %s", template.pid, told)
        if template.generation != self._generation or self.phase is not Phase.ON:
            return
        if self._deaths >= _TEMPLATE_DEATHS:
            self.off(f"the template has died {self._deaths} times")
        else:
            self._load()

    def _load(self) -> None:
        try:
            self.templates.load(self._generation)
        except OSError as error:
            self.off(f"no template can be started: {error}")
            return
        self._loading_since = self._clock()
        self.phase = Phase.LOADING

    def _put_in_force(self) -> None:
        self.templates.promote()
        self.phase = Phase.ON
        if not self._proven:
            _log.info("preload: on: workers are forked, and share the memory of one init()")
        self._proven = True
        self._decided()

    def _decided(self) -> None:
        self._held_back = False
        self._pool.preload_decided()

    def _end_template_of(self, is_meant: Callable[[int], bool]) -> None:
        """Ends the template in force, if its generation is one of those that are meant."""
        template = self.templates.in_force
        if template is not None and is_meant(template.generation):
            self.templates.end_in_force()
