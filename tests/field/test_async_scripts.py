"""`async def init` and `async def run`: awaited on one loop, cancelled when they take too long."""

from __future__ import annotations

import pytest

from tests.live.conftest import Serve
from tests.servers import wait_until

LOOPS = {
    "asyncio": "",
    "uvloop": "import asyncio, uvloop; asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())",
}

loops = pytest.mark.parametrize("policy", LOOPS.values(), ids=LOOPS)


@loops
def test_init_is_awaited_on_the_loop_of_run(serve: Serve, policy: str) -> None:
    script = f"""
import asyncio
{policy}
async def init():
    global loop, lock
    await asyncio.sleep(0)
    loop, lock = asyncio.get_running_loop(), asyncio.Lock()
async def run(data):
    async with lock:
        return [loop is asyncio.get_running_loop(), type(loop).__module__.split(".")[0]]
"""
    with serve(script) as server:
        kind = "uvloop" if policy else "asyncio"
        assert [server.score().json() for _ in range(2)] == [[True, kind]] * 2


def test_what_a_plain_init_has_made_for_its_loop_works_in_run(serve: Serve) -> None:
    script = """
import asyncio
def init():
    global loop, ready
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    ready = loop.create_future()
    loop.run_until_complete(asyncio.sleep(0))
    ready.set_result("made in init")
async def run(data):
    return await ready
"""
    with serve(script) as server:
        assert server.score().json() == "made in init"


def test_an_init_that_fails_is_reported(launch: Serve) -> None:
    script = """
import asyncio
async def init():
    await asyncio.sleep(0)
    raise KeyError("no model")
async def run(data): pass
"""
    with launch(script) as server:
        assert server.wait_exit() == 3
        assert "KeyError: 'no model'" in server.output


TAKES_TOO_LONG = """
import asyncio, contextlib, time
{policy}
lock = asyncio.Lock()
said = []

async def hang():
    async with lock:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.01)
            said.append("cleaned up")

async def block():
    try:
        time.sleep(60)
    finally:
        said.append("interrupted")

async def hang_in_a_task():
    try:
        await asyncio.gather(hang(), hang())
    finally:
        said.append("gathered")

async def own_limit():
    try:
        await asyncio.wait_for(asyncio.Event().wait(), 0.01)
    except asyncio.TimeoutError:
        return "own limit"

async def catch():
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        return "caught"

async def ignore():
    while True:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.Event().wait()

async def look():
    async with lock:
        return said

async def raise_own():
    raise asyncio.TimeoutError

def init(): pass
async def run(data):
    return await globals()[data]()
"""


class TestLimit:
    @loops
    def test_cancels_and_awaits_the_end(self, serve: Serve, policy: str) -> None:
        script = TAKES_TOO_LONG.replace("{policy}", policy)
        with serve(script, env={"SCORING_TIMEOUT_MS": "300"}) as server:
            for name in ("hang", "block", "hang_in_a_task"):
                assert server.score(name).message == "Scoring timeout after 300 ms"
            said = server.score("look").json()
            assert said[:2] == ["cleaned up", "interrupted"]
            assert said.count("cleaned up") == 2
            assert "gathered" in said
            assert server.score("own_limit").json() == "own limit"
            assert server.score("catch").json() == "caught"
            assert server.score("raise_own").message.startswith("An unexpected error occurred")
            assert len(server.workers()) == 1
            assert "Scoring worker with pid" not in server.output

    @loops
    def test_holds_for_one_that_cannot_be_cancelled(self, serve: Serve, policy: str) -> None:
        script = TAKES_TOO_LONG.replace("{policy}", policy)
        with serve(script, env={"SCORING_TIMEOUT_MS": "300"}) as server:
            assert server.score("ignore").message == "Scoring timeout after 300 ms"
            assert server.score("look").json() == []
            assert "Coroutines go on that were cancelled" in server.output

    @loops
    def test_holds_for_a_loop_of_the_scripts_own(self, serve: Serve, policy: str) -> None:
        """A loop written in C loses what a signal's handler raises while it waits."""
        script = f"""
import asyncio
{policy}
said = []
async def wait(seconds):
    try:
        await asyncio.sleep(seconds)
    finally:
        said.append(seconds)
def init(): pass
def run(data):
    if data == "look":
        return said
    asyncio.run(wait(float(data)))
    return "waited"
"""
        with serve(script, env={"SCORING_TIMEOUT_MS": "300"}) as server:
            workers = server.workers()
            assert server.score("60").message == "Scoring timeout after 300 ms"
            assert server.score("0").json() == "waited"
            assert server.score("look").json() == [60, 0]
            assert server.workers() == workers


class TestBackgroundTasks:
    @loops
    def test_go_on_between_requests(self, serve: Serve, policy: str) -> None:
        script = f"""
import asyncio
from gates import reach
{policy}
tasks = set()
async def init():
    tasks.add(asyncio.create_task(tick()))
async def tick():
    for number in range(3):
        await asyncio.sleep(0.01)
    reach("ticked")
async def after():
    await asyncio.sleep(0.05)
    reach("sent")
async def run(data):
    tasks.add(asyncio.create_task(after()))
    return data
"""
        with serve(script) as server:
            server.wait_reached("ticked")
            assert server.score("x").json() == "x"
            server.wait_reached("sent")
            assert server.score("y").json() == "y"

    @loops
    def test_outlive_a_request_that_takes_too_long(self, serve: Serve, policy: str) -> None:
        script = f"""
import asyncio
{policy}
count = 0
async def tick():
    global count
    while True:
        await asyncio.sleep(0.01)
        count += 1
async def init():
    global task
    task = asyncio.create_task(tick())
async def run(data):
    if data == "hang":
        await asyncio.Event().wait()
    before = count
    while count == before:
        await asyncio.sleep(0.01)
    return "ticks"
"""
        with serve(script, env={"SCORING_TIMEOUT_MS": "300"}) as server:
            assert server.score("hang").status == 500
            assert server.score("x").json() == "ticks"

    def test_that_fail_fail_no_request(self, serve: Serve) -> None:
        script = """
import asyncio
from gates import reach
async def leave():
    reach("leaving")
    raise SystemExit(5)
tasks = set()
def init(): pass
async def run(data):
    if data == "leave":
        asyncio.get_running_loop().call_later(0.01, lambda: tasks.add(asyncio.create_task(leave())))
    return data
"""
        with serve(script) as server:
            workers = server.workers()
            assert server.score("leave").json() == "leave"
            server.wait_reached("leaving")
            assert server.score("x").json() == "x"
            assert server.workers() == workers
            assert "A background task of the script failed" in server.output

    @loops
    def test_are_cancelled_when_the_server_stops(self, serve: Serve, policy: str) -> None:
        script = f"""
import asyncio
from gates import reach
{policy}
async def serve_for_ever():
    try:
        await asyncio.Event().wait()
    finally:
        await asyncio.sleep(0)
        reach("cleaned-up")
async def init():
    global task
    task = asyncio.create_task(serve_for_ever())
    await asyncio.sleep(0)
async def run(data): pass
"""
        with serve(script) as server:
            directory = server.directory
        assert (directory / "cleaned-up.reached").exists()


@loops
def test_an_async_generator_that_is_not_read_to_its_end_cleans_up(
    serve: Serve, policy: str
) -> None:
    script = f"""
import asyncio
from gates import reach
{policy}
lock = asyncio.Lock()
def init(): pass
async def run(data):
    async with lock:
        try:
            while True:
                yield "x" * 1000000
                await asyncio.sleep(0)
        finally:
            await asyncio.sleep(0.01)
            reach("closed")
"""
    with serve(script) as server:
        for _ in range(2):  # the second one needs the lock
            client = server.raw()
            client.sendall(b"POST /score HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n")
            assert client.recv(100)
            client.close()
            server.wait_reached("closed")
            (server.directory / "closed.reached").unlink()
        wait_until(server.is_healthy, "the server is healthy")
