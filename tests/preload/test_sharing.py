"""Workers that are forked from a template share its memory, and differ where they should."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from tests.preload.conftest import Preload, parent_of
from tests.servers import wait_until

MEBIBYTE = 1 << 20
MODEL_MEBIBYTES = 200

LARGE = f"""
import gc, json, os, random, time, uuid
import numpy as np

def init():
    global model, made_in, file
    file = open(__file__)
    model = np.random.rand({MODEL_MEBIBYTES} << 17)
    made_in = os.getpid()

def after_fork(index):
    global told
    told = index, os.environ["SCORESERVE_WORKER_INDEX"]
    os.lseek(file.fileno(), index, os.SEEK_SET)

def run(data):
    if data == "differ":
        time.sleep(0.2)  # so that each is asked
        return {{
            "pid": os.getpid(), "made_in": made_in, "told": told,
            "threads": os.environ["OMP_NUM_THREADS"],
            "position": os.lseek(file.fileno(), 0, os.SEEK_CUR),
            "random": [random.random(), float(np.random.rand()), str(uuid.uuid4())],
        }}
    gc.collect()
    return float(model[:1000].sum()) > 0
"""


def proportional_bytes(pid: int) -> int:
    """The memory of a process, of which what is shared counts in parts: PSS."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("this kernel does not tell it")


def test_four_workers_take_little_more_than_one_and_each_is_itself(preload: Preload) -> None:
    with preload(LARGE, WORKER_COUNT="4", OMP_NUM_THREADS="3") as preloading:
        told = preloading.wait_for("on", workers=4)
        server, workers = preloading.server, preloading.workers()
        for _ in range(20):
            assert server.score().json() is True
        of_all = [*workers, told["template"]]
        assert sum(map(proportional_bytes, of_all)) < 1.3 * (MODEL_MEBIBYTES + 40) * MEBIBYTE
        assert all(proportional_bytes(pid) < MODEL_MEBIBYTES // 2 * MEBIBYTE for pid in workers)

        seen: dict[int, dict[str, Any]] = {}

        def all_asked() -> bool:
            for asked in [server.start_score("differ") for _ in range(4)]:
                answer = asked.reply().json()
                seen[answer["pid"]] = answer
            return len(seen) == 4

        wait_until(all_asked, "each worker has answered")
        assert seen.keys() == set(workers)
        assert {answer["made_in"] for answer in seen.values()} == {told["template"]}
        assert {answer["threads"] for answer in seen.values()} == {"3"}
        indexes = {tuple(answer["told"]) for answer in seen.values()}
        assert len(indexes) == 4
        assert all(str(index) == variable for index, variable in indexes)
        assert all(answer["position"] == answer["told"][0] for answer in seen.values())
        for which in range(3):
            assert len({answer["random"][which] for answer in seen.values()}) == 4

        (front,) = {parent_of(pid) for pid in of_all}
        for pid in of_all:
            assert os.getsid(pid) == pid
            adjusted, usual = (
                int(Path(f"/proc/{one}/oom_score_adj").read_text()) for one in (pid, front)
            )
            assert adjusted == min(usual + 100, 1000)
        assert "scoreserve_preload 1.0" in server.get("/metrics").body.decode()
        assert f"[{workers[0]}] azmlinfsrv - Worker with pid {workers[0]} ready" in server.output


def test_forced_it_needs_no_sample_and_starts_one_template_only(preload: Preload) -> None:
    script = """
import atexit, os, pathlib
HERE = pathlib.Path(__file__).parent
def init():
    print("init runs")
    atexit.register(lambda: HERE.joinpath("ended").open("a").write("x"))
def run(data):
    return os.getppid()
"""
    with preload(script, WORKER_PRELOAD="force", sample="") as preloading:
        preloading.wait_for("on")
        server = preloading.server
        assert server.output.count("init runs") == 1
        template = preloading.told()["template"]
        assert server.score().json() == parent_of(template)
    # What init() has registered is for the template, when all is over.
    assert (server.directory / "ended").read_text() == "x"
    assert server.output.count("azmlinfsrv.print") == 1
