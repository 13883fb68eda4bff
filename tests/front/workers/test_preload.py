"""Whether workers are forked: decided from what a spawned one answers, and the first fork."""

from __future__ import annotations

import io
from typing import Any, cast

import pytest

from scoreserve.errors import ScoringTimeout
from scoreserve.front.processes.child import Process, spawn_worker
from scoreserve.front.processes.template import Template, TemplateEvents
from scoreserve.front.workers.exit_reasons import SCORING_TIMEOUT, Exceeded
from scoreserve.front.workers.preload import Phase, Preload
from scoreserve.front.workers.spawning import Start
from scoreserve.front.workers.time_limits import TimeLimits
from scoreserve.front.workers.worker_process import WorkerProcess
from scoreserve.settings import MEBIBYTE, Settings
from scoreserve.start_failure import StartFailure
from scoreserve.worker_setup import ANSWERING, Answer, Obstacle, Trial, TrialResult

ANSWER = Answer("sample_request.json", 200, "[1]", seconds=0.5, resident_bytes=100 * MEBIBYTE)
THREADS = Obstacle("init() has started threads", forbids=False)
CUDA = Obstacle("init() has used the GPU", forbids=True)


class FakeTemplate:
    """A template that does what the test says."""

    def __init__(self, events: TemplateEvents, generation: int, pid: int) -> None:
        self.generation = generation
        self.pid = pid
        self.stage = "running init()"
        self.events = events
        self.ended = self.killed = False

    def launch(self, source: io.FileIO, sink: io.FileIO) -> Process:
        raise NotImplementedError  # the pool of these tests starts nothing

    def connect(self, loop: Any) -> None: ...

    def end(self) -> None:
        self.ended = True

    def kill(self) -> None:
        self.killed = True

    def load(self, *obstacles: Obstacle) -> None:
        self.events.template_loaded(cast("Template", self), obstacles)

    def die(self) -> None:
        self.events.template_gone(cast("Template", self), -9)


class FakeWorker:
    """A worker, forked or not."""

    def __init__(self, *, forked: bool, started: float = 0.0) -> None:
        self.is_forked = self.to_be_forked = forked
        self.stage = "starting a process"
        self.started = started
        self.stage_since = 0.0
        self.answered = 0
        self.stopping = self.killed = False
        self.killed_for: Exceeded | None = None
        self.start_failure: StartFailure | None = None

    def kill(self) -> None:
        self.killed = True

    def kill_for(self, limit: Exceeded) -> None:
        self.killed_for = limit


class Scenario:
    """Preloading, a clock, and what it has asked for."""

    def __init__(self, **options: Any) -> None:
        self.now = 100.0
        self.templates: list[FakeTemplate] = []
        self.trials: list[FakeWorker] = []
        self.refusal: OSError | None = None
        self.decided = 0
        options = {"force": False, **options}
        limits = TimeLimits(Settings(worker_timeout_s=300))
        self.preload = Preload(self, self._make, limits, clock=lambda: self.now, **options)
        self.preload.begin(0)

    def _make(self, events: TemplateEvents, generation: int) -> Template:
        if self.refusal is not None:
            raise self.refusal
        self.templates.append(FakeTemplate(events, generation, 50 + len(self.templates)))
        return cast("Template", self.templates[-1])

    # The pool.

    def start_trial(self, start: Start) -> WorkerProcess:
        self.trials.append(FakeWorker(forked=True, started=self.now))
        return cast("WorkerProcess", self.trials[-1])

    def preload_decided(self) -> None:
        self.decided += 1

    def templates_changed(self) -> None: ...

    # What happens.

    @property
    def template(self) -> FakeTemplate:
        return self.templates[-1]

    @property
    def trial(self) -> FakeWorker:
        return self.trials[-1]

    def control_answers(self, result: TrialResult | None = None, seconds: float = 0.5) -> None:
        """A spawned worker does, so long after its start."""
        control = cast("WorkerProcess", FakeWorker(forked=False, started=self.now - seconds))
        self.preload.worker_tried(control, result or TrialResult(ANSWER))

    def trial_answers(self, why: str = "") -> None:
        self.preload.worker_tried(cast("WorkerProcess", self.trial), TrialResult(None, why))

    def is_ready(self, worker: FakeWorker) -> None:
        self.preload.worker_ready(cast("WorkerProcess", worker))

    def is_gone(
        self, worker: FakeWorker, text: str = "has ended", *, was_ready: bool = True
    ) -> bool:
        gone = cast("WorkerProcess", worker)
        return self.preload.worker_gone(gone, text, was_ready=was_ready)

    def may_start(self) -> bool:
        return self.preload.may_start

    def is_on(self) -> bool:
        return self.preload.phase is Phase.ON

    def go_on(self) -> None:
        """To the point where workers are forked."""
        self.control_answers()
        self.template.load()
        self.trial_answers()
        self.is_ready(self.trial)
        assert self.preload.phase is Phase.ON

    def why_off(self) -> str:
        assert self.preload.phase is Phase.OFF
        assert self.preload.templates.in_force is None
        assert self.decided > 0
        return self.preload.snapshot().reason


class TestTheTrial:
    def test_goes_from_the_answer_to_forks(self) -> None:
        scenario = Scenario()
        preload = scenario.preload
        assert preload.wanted(4) == 1
        assert preload.start(newcomer=True) == (spawn_worker, 0, Trial())
        assert scenario.may_start()
        scenario.control_answers()
        assert not scenario.may_start()
        assert preload.snapshot().state == "starting"
        scenario.template.load()
        scenario.trial_answers()
        assert (preload.templates.in_force, scenario.decided) == (None, 0)  # until it can serve
        scenario.is_ready(scenario.trial)
        assert preload.snapshot() == ("on", "", 50)
        assert scenario.may_start()
        assert (preload.wanted(4), scenario.decided) == (4, 1)
        assert preload.start(newcomer=True)[1:] == (0, None)
        assert preload.is_outdated(cast("WorkerProcess", FakeWorker(forked=False)))
        assert not preload.is_outdated(cast("WorkerProcess", scenario.trial))

    def test_needs_a_sample_that_is_answered(self) -> None:
        for result, reason in [
            (TrialResult(None, "no sample request is known"), "no sample request is known"),
            (TrialResult(ANSWER._replace(status=500)), "sample_request.json is answered 500"),
        ]:
            scenario = Scenario()
            scenario.control_answers(result)
            assert reason in scenario.why_off()
            assert scenario.templates == []

    @pytest.mark.parametrize(("mebibytes", "fits"), [(199, False), (200, True), (None, True)])
    def test_needs_room_for_two(self, mebibytes: int | None, fits: bool) -> None:
        limit = None if mebibytes is None else mebibytes * MEBIBYTE
        scenario = Scenario(memory_limit=limit)
        scenario.control_answers()
        assert bool(scenario.templates) is fits
        if not fits:
            assert "100 MiB, and 2 of that size" in scenario.why_off()

    def test_needs_a_process_without_obstacles(self) -> None:
        scenario = Scenario()
        scenario.control_answers()
        scenario.template.load(THREADS, CUDA)
        assert scenario.why_off() == f"{THREADS.text}; {CUDA.text}"
        assert scenario.template.ended
        assert scenario.trials == []

    def test_ends_with_another_answer(self) -> None:
        scenario = Scenario()
        scenario.control_answers()
        scenario.template.load()
        scenario.trial_answers("a forked worker answers with [2]")
        assert scenario.why_off() == "a forked worker answers with [2]"
        assert scenario.trial.killed
        scenario.is_ready(scenario.trial)  # what it had sent before
        assert scenario.preload.phase is Phase.OFF

    def test_ends_with_a_death(self) -> None:
        scenario = Scenario()
        scenario.control_answers()
        scenario.template.load()
        assert scenario.is_gone(scenario.trial, "was killed by SIGSEGV", was_ready=False)
        assert "worker was killed by SIGSEGV before" in scenario.why_off()

    def test_ends_with_a_script_that_fails_in_a_fork(self) -> None:
        scenario = Scenario()
        scenario.control_answers()
        scenario.template.load()
        scenario.trial.start_failure = StartFailure("ValueError: no", "score.py, line 4")
        assert scenario.is_gone(scenario.trial, "could not start", was_ready=False)
        assert scenario.why_off().endswith("request: ValueError: no in score.py, line 4")

    @pytest.mark.parametrize(("seconds", "limit"), [(0.5, 10), (4, 40)])
    def test_ends_when_its_time_is_over(self, seconds: float, limit: float) -> None:
        scenario = Scenario()
        scenario.control_answers(TrialResult(ANSWER._replace(seconds=seconds)), 1000)
        scenario.template.load()
        scenario.now += 1000  # that after_fork() took
        scenario.preload.look_at_clock()
        scenario.trial.stage, scenario.trial.stage_since = ANSWERING, scenario.now
        scenario.now += limit - 0.1
        scenario.preload.look_at_clock()
        assert scenario.preload.phase is Phase.TRYING
        scenario.now += 0.2
        scenario.preload.look_at_clock()
        assert f"in {limit} s, a spawned one has in {seconds:.2f} s" in scenario.why_off()
        assert scenario.trial.killed_for is not None  # so that its stacks are dumped first
        assert not scenario.trial.killed

    @pytest.mark.parametrize(("seconds", "limit"), [(0.5, 10), (4, 40)])
    def test_ends_when_after_fork_takes_much_longer_than_a_whole_start(
        self, seconds: float, limit: float
    ) -> None:
        scenario = Scenario()
        scenario.control_answers(seconds=seconds)
        scenario.template.load()
        scenario.trial.stage = "running after_fork()"
        scenario.now += limit - 0.1
        scenario.preload.look_at_clock()
        assert scenario.preload.phase is Phase.TRYING
        scenario.now += 0.2
        scenario.preload.look_at_clock()
        assert f"after {limit} s the first forked worker is still running after_fork()" in (
            scenario.why_off()
        )
        assert scenario.trial.killed_for is not None
        assert not scenario.trial.killed
        scenario.preload.look_at_clock()
        assert scenario.decided == 1  # and not again

    def test_has_no_limit_once_it_is_answered(self) -> None:
        scenario = Scenario()
        scenario.control_answers()
        scenario.template.load()
        scenario.trial_answers()
        scenario.trial.stage = "proving that batches are safe"
        scenario.now += 1000
        scenario.preload.look_at_clock()
        scenario.is_ready(scenario.trial)
        assert scenario.is_on()

    def test_is_not_made_where_it_is_impossible(self) -> None:
        scenario = Scenario(impossible="it needs Linux")
        assert scenario.why_off() == "it needs Linux"
        scenario.control_answers()
        assert scenario.templates == []


class TestForced:
    def test_the_template_comes_first_and_nothing_is_tried(self) -> None:
        scenario = Scenario(force=True)
        assert scenario.preload.wanted(4) == 0
        assert scenario.preload.stage() == "running init()"
        assert not scenario.may_start()
        scenario.template.load(THREADS)
        assert scenario.is_on()
        assert scenario.trials == []

    def test_a_gpu_that_was_used_is_still_a_reason(self) -> None:
        scenario = Scenario(force=True)
        scenario.template.load(THREADS, CUDA)
        assert CUDA.text in scenario.why_off()

    def test_a_script_that_fails_is_left_to_a_spawned_worker(self) -> None:
        scenario = Scenario(force=True)
        template = cast("Template", scenario.template)
        scenario.preload.template_failed(template, StartFailure("No module named 'mine'"))
        assert "No module named 'mine'" in scenario.why_off()
        scenario.template.die()  # as it does then
        assert scenario.decided == 1

    def test_no_process_to_be_had_is_a_reason(self) -> None:
        scenario = Scenario()
        scenario.refusal = OSError("too many")
        scenario.control_answers()
        assert scenario.why_off() == "no template can be started: too many"

    def test_init_has_its_time_limit(self) -> None:
        scenario = Scenario(force=True)
        scenario.now += 301
        scenario.preload.look_at_clock()
        assert scenario.template.killed
        assert "in the template, init() took longer than WORKER_TIMEOUT" in scenario.why_off()


class TestLater:
    def test_a_template_that_dies_is_followed_by_another(self) -> None:
        scenario = Scenario()
        scenario.go_on()
        scenario.template.die()
        preload = scenario.preload
        assert (len(scenario.templates), preload.templates.in_force) == (2, None)
        assert scenario.may_start()  # by itself: no request waits for a template
        scenario.template.load()
        assert preload.snapshot() == ("on", "", 51)
        assert len(scenario.trials) == 1  # it is the same script

    def test_one_that_dies_again_and_again_is_not(self) -> None:
        scenario = Scenario()
        scenario.go_on()
        for _ in range(2):
            scenario.template.die()
            scenario.template.load()
        scenario.template.die()
        assert scenario.why_off() == "the template has died 3 times"

    def test_two_workers_that_hang_at_once_end_it(self) -> None:
        scenario = Scenario()
        scenario.go_on()
        for answered in (7, 0, 0):
            assert scenario.is_on()
            worker = FakeWorker(forked=True)
            worker.answered = answered
            worker.killed_for = Exceeded(SCORING_TIMEOUT, ScoringTimeout(1000))
            assert not scenario.is_gone(worker)
        assert "2 forked workers hung in their first run()" in scenario.why_off()

    def test_so_do_two_that_cannot_start(self) -> None:
        scenario = Scenario()
        scenario.go_on()
        for _ in range(2):
            worker = FakeWorker(forked=True)
            worker.start_failure = StartFailure("no GPU", "score.py, line 4")
            scenario.is_gone(worker, was_ready=False)
        assert "or did not start: no GPU in score.py, line 4" in scenario.why_off()

    def test_workers_that_were_spawned_instead_are_counted(self) -> None:
        scenario = Scenario()
        scenario.go_on()
        for _ in range(2):
            spawned_instead = FakeWorker(forked=True)
            spawned_instead.is_forked = False
            scenario.is_ready(spawned_instead)
        assert scenario.preload.phase is Phase.OFF


class TestReloads:
    def test_begin_anew_beside_what_is_in_force(self) -> None:
        scenario = Scenario()
        scenario.go_on()
        old = scenario.template
        scenario.preload.begin(1)
        assert scenario.preload.start(newcomer=True) == (spawn_worker, 1, Trial())
        assert scenario.preload.start(newcomer=False)[1:] == (0, None)  # of the old template
        assert scenario.preload.templates.in_force is cast("Template", old)
        scenario.control_answers()
        scenario.template.load()
        scenario.trial_answers()
        scenario.is_ready(scenario.trial)
        assert old.ended
        assert scenario.preload.snapshot() == ("on", "", 51)

    def test_that_fail_change_nothing(self) -> None:
        scenario = Scenario()
        scenario.go_on()
        scenario.preload.begin(1)
        scenario.preload.reload_ended(ok=False)
        assert not scenario.template.ended
        assert scenario.preload.snapshot() == ("on", "", 50)

    def test_whose_script_cannot_be_forked_end_the_old_template(self) -> None:
        scenario = Scenario()
        scenario.go_on()
        old = scenario.template
        scenario.preload.begin(1)
        scenario.control_answers(TrialResult(None, "no sample request is known"))
        ended = [old.ended]  # its workers may still have to be replaced
        scenario.preload.reload_ended(ok=True)
        assert [*ended, old.ended] == [False, True]
        assert scenario.why_off() == "no sample request is known"

    def test_need_room_for_three(self) -> None:
        scenario = Scenario(memory_limit=250 * MEBIBYTE)
        scenario.go_on()
        scenario.preload.begin(1)
        scenario.control_answers()
        assert "and 3 of that size" in scenario.preload.reason
