"""The worker's main loop: what it sends for the frames it gets, and in which order."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Callable, Generator
from typing import Any

import pytest

from scoreserve import heads, wire
from scoreserve.settings import Settings
from scoreserve.wire import Outcome
from scoreserve.worker.front_pipe import Frame
from scoreserve.worker.main_loop import WorkerLoop
from scoreserve.worker.rows.batcher import Batcher
from scoreserve.worker.rows.list_runner import ListRunner
from scoreserve.worker.script.calling import convention_of
from scoreserve.worker.script.script_runner import ScriptRunner
from tests.worker.fakes import head_of

Said = tuple[str, tuple[Any, ...]]


def jobs(*bodies: bytes, first_id: int = 1) -> bytes:
    """A frame of jobs with these bodies, numbered from `first_id`."""
    head = heads.encode_head(head_of())
    records = [wire.Job(first_id + n, head, [body]) for n, body in enumerate(bodies)]
    return b"".join(wire.encode_jobs(records))


class FakeChannel:
    """Hands out the front's frames, and then its end; keeps what is sent, in readable form."""

    def __init__(self, frames: list[bytes]) -> None:
        self._frames = frames
        self.sent: list[Said] = []

    def receive(self) -> Frame | None:
        if not self._frames:
            return None
        data = self._frames.pop(0)
        kind, count, _ = wire.read_prefix(data)
        return Frame(kind, count, memoryview(data)[wire.PREFIX_BYTES :])

    def has_more(self) -> bool:
        return bool(self._frames)

    def send(self, buffers: list[bytes]) -> None:
        data = b"".join(buffers)
        while data:
            kind, count, length = wire.read_prefix(data)
            payload = data[wire.PREFIX_BYTES : wire.PREFIX_BYTES + length]
            self._keep(kind, count, payload)
            data = data[wire.PREFIX_BYTES + length :]

    def _keep(self, kind: int, count: int, payload: bytes) -> None:
        if kind == wire.OUTCOMES:
            for outcome in wire.decode_outcomes(payload, 0, len(payload), count):
                self.sent.append(self._readable(outcome))
        elif kind == wire.RUNNING:
            self.sent.append(("running", wire.read_job_ids(payload, count)))
        elif kind == wire.RETURNED:
            self.sent.append(("returned", wire.read_job_ids(payload, count)))
        elif kind == wire.BATCH_COUNTS:
            self.sent.append(("report", (json.loads(payload),)))
        elif kind == wire.FAILURE:
            self.sent.append(("failure", wire.read_failure(payload)))
        elif kind == wire.CHUNK:
            self.sent.append(("chunk", wire.read_chunk(payload)))
        else:
            self.sent.append(("end", wire.read_stream_end(payload)))

    @staticmethod
    def _readable(outcome: Outcome) -> Said:
        what = "stream" if outcome.streamed else "outcome"
        return (what, (outcome.id, outcome.status, outcome.body))


def statuses(sent: list[Said]) -> list[int]:
    """Those of the outcomes, in order; there is nothing else but failures."""
    assert {what for what, _ in sent} <= {"outcome", "failure"}
    return [said[1] for what, said in sent if what == "outcome"]


def failures(sent: list[Said]) -> list[tuple[int, str]]:
    """What went wrong with which job, in order."""
    return [(said[0], said[1]) for what, said in sent if what == "failure"]


Serve = Callable[..., list[Said]]


@pytest.fixture
def serve(own_alarm: None, server_log: pytest.LogCaptureFixture) -> Serve:
    """What a worker with this run() sends for these frames of the front."""

    def serve(run: Callable[..., Any], *frames: bytes) -> list[Said]:
        pipe = FakeChannel(list(frames))
        runner = ScriptRunner(run, convention_of(run), Settings())
        loop = WorkerLoop(pipe, runner)
        before = signal.signal(signal.SIGURG, loop.look_for_stop)
        try:
            loop.run()
        finally:
            signal.signal(signal.SIGURG, before)
        return pipe.sent

    return serve


MORE = wire.stream_request(wire.MORE, 1)
STOP = wire.stream_request(wire.STOP, 1)


def letters(data: str) -> Generator[str, None, None]:
    """A run() that streams its input letter by letter."""
    yield from data


def test_jobs_are_answered_in_their_order(serve: Serve) -> None:
    sent = serve(lambda data: data, jobs(b"a", b"b"), jobs(b"c", first_id=3))
    assert sent == [
        ("outcome", (1, 200, b'"a"')),
        ("outcome", (2, 200, b'"b"')),
        ("outcome", (3, 200, b'"c"')),
    ]


def test_between_frames_no_call_is_in_hand(own_alarm: None) -> None:
    pipe = FakeChannel([jobs(b"a", b"b"), jobs(b"c", first_id=3)])
    answered: list[int] = []

    def run(data: str) -> str:
        return data

    runner = ScriptRunner(run, convention_of(run), Settings())
    WorkerLoop(pipe, runner).run(lambda: answered.append(len(pipe.sent)))
    assert answered == [2, 3]


def test_jobs_that_there_is_no_memory_for_are_a_500(
    own_alarm: None, server_log: pytest.LogCaptureFixture
) -> None:
    class Short(FakeChannel):
        def receive(self) -> Frame | None:
            frame = super().receive()
            return frame and Frame(frame.kind, frame.records, frame.payload, [8, 9])

    def run(data: str) -> str:
        return data

    pipe = Short([jobs(b"a")])
    WorkerLoop(pipe, ScriptRunner(run, convention_of(run), Settings())).run()
    outcomes = [(what, said[:2]) for what, said in pipe.sent if what == "outcome"]
    assert outcomes == [
        ("outcome", (1, 200)),
        ("outcome", (8, 500)),
        ("outcome", (9, 500)),
    ]
    assert "no memory" in server_log.text


def test_each_outcome_is_sent_before_the_next_run_begins(serve: Serve) -> None:
    """The front relies on it: of a dead worker's jobs, only the first can have begun."""
    pipe = FakeChannel([jobs(b"a", b"b", b"c")])
    seen: list[int] = []

    def run(data: str) -> None:
        seen.append(len(pipe.sent))

    WorkerLoop(pipe, ScriptRunner(run, convention_of(run), Settings())).run()
    assert seen == [0, 1, 2]


def test_refused_and_failed_jobs_keep_their_place(serve: Serve) -> None:
    sent = serve(lambda data: 1 / int(data), jobs(b"1", b"0", b"\xff", b"2"))
    assert statuses(sent) == [200, 500, 400, 200]
    assert failures(sent) == [(2, "ZeroDivisionError: division by zero")]


class TestStreams:
    def test_send_a_chunk_each_time_they_are_asked(self, serve: Serve) -> None:
        assert serve(letters, jobs(b"ab"), MORE, MORE) == [
            ("stream", (1, 200, b"")),
            ("chunk", (1, b"a")),
            ("chunk", (1, b"b")),
            ("end", (1, True)),
        ]

    def test_end_when_nobody_wants_the_rest(self, serve: Serve) -> None:
        closed: list[bool] = []

        def run(data: str) -> Generator[str, None, None]:
            try:
                yield from data
            finally:
                closed.append(True)

        assert serve(run, jobs(b"abc"), STOP) == [
            ("stream", (1, 200, b"")),
            ("chunk", (1, b"a")),
            ("end", (1, False)),
        ]
        assert closed == [True]

    def test_give_back_jobs_that_come_meanwhile(self, serve: Serve) -> None:
        """The front may have another worker; a stream takes as long as its client likes."""
        sent = serve(letters, jobs(b"a"), jobs(b"", b"", first_id=2), MORE)
        assert sent == [
            ("stream", (1, 200, b"")),
            ("chunk", (1, b"a")),
            ("returned", (2, 3)),
            ("end", (1, True)),
        ]

    def test_give_back_jobs_that_came_with_theirs(self, serve: Serve) -> None:
        sent = serve(letters, jobs(b"", b"b", b"c"), jobs(b"", first_id=2))
        assert [what for what, _ in sent] == ["stream", "returned", "end", "stream", "end"]
        assert sent[1] == ("returned", (2, 3))

    def test_end_at_once_when_nobody_wants_the_chunk_that_is_being_made(self, serve: Serve) -> None:
        """The front sends STOP, and SIGURG, for which the script's generator stands."""
        closed = []

        def run(data: str) -> Generator[str, None, None]:
            yield "first"
            try:
                os.kill(os.getpid(), signal.SIGURG)
                yield "never sent"
            finally:
                closed.append(True)

        stop = wire.stream_request(wire.STOP, 1)
        sent = serve(run, jobs(b"a"), MORE, jobs(b"b", first_id=2), stop)
        assert sent == [
            ("stream", (1, 200, b"")),
            ("chunk", (1, b"first")),
            ("returned", (2,)),
            ("end", (1, False)),
        ]
        assert closed == [True]

    def test_go_on_when_the_signal_is_about_nothing(self, serve: Serve) -> None:
        def run(data: str) -> Generator[str, None, None]:
            yield "first"
            os.kill(os.getpid(), signal.SIGURG)
            went_on.append(True)

        went_on: list[bool] = []
        sent = serve(run, jobs(b"a"), MORE, wire.stream_request(wire.STOP, 77))
        assert sent[-1] == ("end", (1, True))
        assert went_on == [True]

    @pytest.mark.parametrize("error", [KeyError, SystemExit])
    def test_that_fail_before_the_first_chunk_are_a_500(
        self, serve: Serve, error: type[BaseException]
    ) -> None:
        def run(data: str) -> Generator[str, None, None]:
            if data:
                raise error(data)
            yield data

        sent = serve(run, jobs(b"a"))
        assert statuses(sent) == [500]
        ((_, failure),) = failures(sent)
        assert failure.startswith(error.__name__)

    @pytest.mark.parametrize("error", [KeyError, SystemExit])
    def test_that_fail_later_break_off_and_the_next_job_is_run(
        self, serve: Serve, error: type[BaseException]
    ) -> None:
        def run(data: str) -> Generator[str, None, None]:
            yield data
            if data == "a":
                raise error

        second = [jobs(b"b", first_id=2), wire.stream_request(wire.MORE, 2)]
        sent = serve(run, jobs(b"a"), MORE, *second)
        assert sent == [
            ("stream", (1, 200, b"")),
            ("chunk", (1, b"a")),
            ("end", (1, False)),
            ("stream", (2, 200, b"")),
            ("chunk", (2, b"b")),
            ("end", (2, True)),
        ]

    def test_end_with_the_front(self, serve: Serve) -> None:
        closed: list[bool] = []

        def run(data: str) -> Generator[str, None, None]:
            try:
                yield from data
            finally:
                closed.append(True)

        with pytest.raises(ConnectionResetError):
            serve(run, jobs(b"ab"))
        assert closed == [True]

    def test_that_have_just_ended_may_still_be_stopped(self, serve: Serve) -> None:
        sent = serve(lambda data: data, STOP, jobs(b"a"))
        assert sent == [("outcome", (1, 200, b'"a"'))]


@pytest.mark.parametrize("kind", [wire.MORE, wire.SETUP, wire.OUTCOMES])
def test_what_the_front_does_not_send_is_refused(serve: Serve, kind: int) -> None:
    with pytest.raises(wire.FrameError):
        serve(lambda data: data, wire.frame(kind, bytes(8)))


def parsed(data: str) -> Any:
    """A run() that answers its input."""
    return json.loads(data)


class TestTogether:
    """With jobs that may share a run()."""

    @pytest.fixture
    def serve_together(self, serve: Serve) -> Serve:
        def serve_together(run: Callable[..., Any], *frames: bytes) -> list[Said]:
            pipe = FakeChannel(list(frames))
            runner = ScriptRunner(run, convention_of(run), Settings())
            batcher = Batcher(runner, 8, "data")
            WorkerLoop(pipe, runner, batcher).run()
            return pipe.sent

        return serve_together

    PAIRS = tuple(
        jobs(b"[%d]" % number, b"[%d]" % (number + 1), first_id=number) for number in (1, 3)
    )

    def test_who_shares_a_run_is_told_first_and_the_news_before_the_answers(
        self, serve_together: Serve
    ) -> None:
        """What follows the first is an audit, of which the front is told with no job. After the
        second there is none, unless that took very long.
        """
        assert serve_together(parsed, *self.PAIRS)[:8] == [
            ("report", ({"merged": [[2, 2]], "fallbacks": {}},)),
            ("outcome", (1, 200, b"[1]")),
            ("outcome", (2, 200, b"[2]")),
            ("running", ()),
            ("running", (3, 4)),
            ("report", ({"merged": [[2, 2]], "fallbacks": {}},)),
            ("outcome", (3, 200, b"[3]")),
            ("outcome", (4, 200, b"[4]")),
        ]

    def test_each_run_is_told_while_they_have_none_in_common(self, serve_together: Serve) -> None:
        sent = serve_together(parsed, jobs(b'"no rows"', b'"nor here"'))
        assert [said for said in sent if said[0] != "report"] == [
            ("running", (1,)),
            ("outcome", (1, 200, b'"no rows"')),
            ("running", (2,)),
            ("outcome", (2, 200, b'"nor here"')),
        ]

    def test_that_all_share_one_need_not_be_told(self, serve_together: Serve) -> None:
        pairs = [jobs(b"[%d]" % n, b"[%d]" % (n + 1), first_id=n) for n in (5, 7)]
        *_, report, first, second = serve_together(parsed, *self.PAIRS, *pairs)
        assert report[1][0]["merged"] == [[2, 2]]
        assert (first, second) == (("outcome", (7, 200, b"[7]")), ("outcome", (8, 200, b"[8]")))

    def test_that_some_share_one_is_told(self, serve_together: Serve) -> None:
        four = jobs(b"[5]", b"[6]", b"[7]", b'"no"', first_id=5)
        again = jobs(b"[9]", b"[10]", first_id=9)
        sent = serve_together(parsed, *self.PAIRS, again, four)
        assert ("running", (5, 6, 7)) in sent  # what cannot be merged is not of them
        assert ("running", (8,)) in sent

    def test_a_lone_job_need_not_be_told(self, serve_together: Serve) -> None:
        sent = serve_together(parsed, jobs(b"[1]"), jobs(b"[2]", first_id=2))
        assert [said for said in sent if said[0] != "report"] == [
            ("outcome", (1, 200, b"[1]")),
            ("outcome", (2, 200, b"[2]")),
        ]

    def test_but_after_comparing_it_is(self, serve_together: Serve) -> None:
        """Else the front could not know that the worker is done with what it did before."""
        sent = serve_together(parsed, self.PAIRS[0], jobs(b"[3]", first_id=3))
        told = [said for said in sent if said[0] == "running"]
        assert told[-2:] == [("running", ()), ("running", (3,))]

    def test_streams_among_them_are_whole(self, serve_together: Serve) -> None:
        def run(data: str) -> Any:
            return iter_letters() if data == '"s"' else json.loads(data)

        def iter_letters() -> Generator[str, None, None]:
            yield "x"

        more = wire.stream_request(wire.MORE, 2)
        sent = serve_together(run, jobs(b'"a"', b'"s"', b'"b"'), more)
        assert [said for said in sent if said[0] not in ("running", "report")] == [
            ("outcome", (1, 200, b'"a"')),
            ("stream", (2, 200, b"")),
            ("chunk", (2, b"x")),
            ("end", (2, True)),
            ("outcome", (3, 200, b'"b"')),
        ]

    def test_jobs_that_come_during_a_stream_go_back(self, serve: Serve) -> None:

        def run(inputs: list[str]) -> list[Any]:
            assert isinstance(inputs, list)
            return [letters("x") if text == "stream" else text for text in inputs]

        frames = [jobs(b"stream"), jobs(b"a", first_id=2), wire.stream_request(wire.MORE, 1)]
        pipe = FakeChannel(frames)
        runner = ScriptRunner(run, convention_of(run), Settings())
        WorkerLoop(pipe, runner, ListRunner(runner, "inputs", 1)).run()
        assert ("returned", (2,)) in pipe.sent
        assert not [said for said in pipe.sent if said[0] == "outcome"]
