"""A Ray cluster of machines that are all on this one, of which some are lost."""

from __future__ import annotations

import json
import os
import random
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.batch

FILES = 60
DEADLINE_SECONDS = 300  # starting actors takes minutes where the machine is busy
NODE = {"num_cpus": 1, "object_store_memory": 200_000_000}
ENVIRON = {
    "RAY_AUTH_MODE": "disabled",
    "RAY_raylet_start_wait_time_s": "240",
    "RAY_usage_stats_enabled": "0",
}
KILLS = int(os.environ.get("BATCH_KILLS", "2"))
SCRIPT = """
import os, time
def init(): print("begins in", os.getcwd())
def run(mini_batch):
    time.sleep({seconds})
    with open({seen!r}, "a") as seen:
        seen.writelines(path + "\\n" for path in mini_batch)
    return [os.path.basename(path) for path in mini_batch]
def shutdown(): print("ends")
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head without CPUs for scripts, and two nodes."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ENVIRON.items():
            patch.setenv(name, value)
        from ray.cluster_utils import Cluster

        head = {"num_cpus": 0, "object_store_memory": 200_000_000, "include_dashboard": False}
        found = Cluster(initialize_head=True, head_node_args=head)
        try:
            for _ in range(2):
                found.add_node(**NODE)
            yield found
        finally:
            found.shutdown()


def start(
    folder: Path,
    address: str,
    *flags: str,
    script: str = SCRIPT,
    seconds: float = 0.05,
    over: Sequence[str] = ("--input", "data"),
) -> subprocess.Popen[str]:
    (folder / "data").mkdir()
    for number in range(FILES):
        (folder / "data" / f"{number:03}").touch()
    (folder / "seen").touch()
    text = script.replace("{seconds}", str(seconds)).replace("{seen!r}", repr(str(folder / "seen")))
    (folder / "script.py").write_text(textwrap.dedent(text), encoding="utf-8")
    command = [sys.executable, "-m", "scoreserve", "batch", "script.py", *over]
    where = ["--output", "out", "--ray-address", address, "--workers", "2"]
    return subprocess.Popen(
        [*command, *where, "--mini-batch-size", "1", *flags],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def ended(job: subprocess.Popen[str]) -> tuple[int, str]:
    shown, _ = job.communicate(timeout=DEADLINE_SECONDS)
    return job.returncode, shown


def results(folder: Path) -> list[str]:
    return sorted((folder / "out/predictions.csv").read_text(encoding="utf-8").splitlines())


def homes_left(folder: Path) -> list[str]:
    """The folders that processes had for themselves, and that are still there."""
    logs = [path.read_text("utf-8") for path in (folder / "out/logs").glob("*-*.txt")]
    homes = re.findall("begins in (.+)", "".join(logs))
    assert homes
    return [home for home in homes if Path(home).exists()]


def wait_for(job: subprocess.Popen[str], path: Path, files: int) -> None:
    until = time.monotonic() + DEADLINE_SECONDS
    while len(path.read_text(encoding="utf-8").splitlines()) < files:
        assert job.poll() is None, ended(job)
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_job_on_two_machines(cluster: Any, tmp_path: Path) -> None:
    code, shown = ended(start(tmp_path, cluster.address))
    assert code == 0, shown
    assert results(tmp_path) == [f"{number:03}" for number in range(FILES)]
    logs = "".join(path.read_text("utf-8") for path in (tmp_path / "out/logs").glob("*-*.txt"))
    assert logs.count("begins") == logs.count("ends") > 0
    assert not homes_left(tmp_path)


def test_a_machine_that_is_lost_loses_nothing(cluster: Any, tmp_path: Path) -> None:
    job = start(tmp_path, cluster.address, seconds=0.2)
    chosen = random.Random(1)
    for kill in range(KILLS):
        wait_for(job, tmp_path / "seen", 3 + kill * FILES // (KILLS + 1))
        time.sleep(chosen.random() * 0.4)
        node = chosen.choice([node for node in cluster.list_all_nodes() if not node.head])
        cluster.remove_node(node, allow_graceful=False)
        cluster.add_node(**NODE)
    code, shown = ended(job)
    assert code == 0, shown
    assert results(tmp_path) == [f"{number:03}" for number in range(FILES)]


def test_what_hangs_and_what_raises_fails_alone(cluster: Any, tmp_path: Path) -> None:
    script = """
        import os, time
        def init(): print("begins in", os.getcwd(), flush=True)
        def run(mini_batch):
            name = os.path.basename(mini_batch[0])
            if name == "003":
                time.sleep(600)
            if name == "005":
                1 / 0
            return [name]
        """
    flags = ("--run-timeout", "1", "--max-tries", "2")
    code, shown = ended(start(tmp_path, cluster.address, *flags, script=script))
    assert code == 0, shown
    wanted = [f"{number:03}" for number in range(FILES) if number not in (3, 5)]
    assert results(tmp_path) == wanted
    errors = (tmp_path / "out/logs/errors.txt").read_text(encoding="utf-8")
    assert "ZeroDivisionError" in errors
    assert "run() took too long" in errors
    assert not homes_left(tmp_path)


def test_an_online_script(cluster: Any, tmp_path: Path) -> None:
    requests = tmp_path / "requests.jsonl"
    requests.write_text("".join(f"{number}\n" for number in range(FILES)), encoding="utf-8")
    script = """
        def init(): pass
        def run(raw_data): return 1 / (int(raw_data) != 7) + int(raw_data) * 2
        """
    flags = ("--ordered", "--input", "requests.jsonl", "--mini-batch-size", "10")
    code, shown = ended(start(tmp_path, cluster.address, *flags, script=script, over=[]))
    assert code == 0, shown
    text = (tmp_path / "out/predictions.jsonl").read_text(encoding="utf-8")
    found = [json.loads(line).get("result") for line in text.splitlines()]
    assert found == [None if number == 7 else 2 * number + 1 for number in range(FILES)]


def test_a_script_is_run_as_on_one_machine(cluster: Any, tmp_path: Path) -> None:
    """init() and run() on the main thread: signals, and what belongs to a thread, work. A line that
    takes too long fails alone.
    """
    requests = tmp_path / "requests.jsonl"
    requests.write_text("1\n2\n3\n", encoding="utf-8")
    script = """
        import signal, sqlite3, time
        def init():
            global database
            signal.signal(signal.SIGUSR1, signal.SIG_IGN)
            database = sqlite3.connect(":memory:")
        def run(raw_data):
            while raw_data == "2":
                time.sleep(0.1)
            return database.execute("select ?", (int(raw_data),)).fetchone()[0]
        """
    flags = ("--ordered", "--mini-batch-size", "3", "--run-timeout", "1", "--max-tries", "1")
    over = ("--input", "requests.jsonl")
    code, shown = ended(start(tmp_path, cluster.address, *flags, script=script, over=over))
    assert code == 0, shown
    text = (tmp_path / "out/predictions.jsonl").read_text(encoding="utf-8")
    assert [json.loads(line).get("result") for line in text.splitlines()] == [1, None, 3]


def test_processes_have_a_gpu_each(cluster: Any, tmp_path: Path) -> None:
    """Ray counts GPUs, and does not look for them: so there may be some here."""
    node = cluster.add_node(**NODE, num_gpus=1)
    try:
        cluster.wait_for_nodes()
        script = """
            import os
            def run(mini_batch): return [os.environ["CUDA_VISIBLE_DEVICES"]]
            """
        code, shown = ended(start(tmp_path, cluster.address, "--workers", "1", script=script))
    finally:
        cluster.remove_node(node)
    assert code == 0, shown
    assert set(results(tmp_path)) == {"0"}


def test_a_script_that_cannot_start_is_told(cluster: Any, tmp_path: Path) -> None:
    code, shown = ended(start(tmp_path, cluster.address, script="import no_such_module"))
    assert code == 3, shown
    assert "No module named 'no_such_module'" in shown


def test_a_cluster_that_is_not_there_is_told(tmp_path: Path) -> None:
    code, shown = ended(start(tmp_path, "127.0.0.1:1"))
    assert code == 2
    assert "--ray-address 127.0.0.1:1: there is no such cluster" in shown
