"""Limits and counters of control groups, in the forms that kernels and containers show them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from scoreserve.cgroup import Cgroup, OomWatch, available_cpus
from tests.conftest import WriteFile

V1 = "4:memory:/docker/abc\n2:cpu,cpuacct:/docker/abc\n1:cpuset:/docker/abc\n0::/\n"


@pytest.fixture
def cgroup(tmp_path: Path, write_file: WriteFile) -> CgroupOf:
    return CgroupOf(tmp_path, write_file)


class CgroupOf:
    """A control group of files written by the test, under `mount`."""

    def __init__(self, directory: Path, write_file: WriteFile) -> None:
        self._directory = directory
        self._write_file = write_file

    def __call__(self, membership: str, /, **files: str) -> Cgroup:
        path = self._write_file("membership", membership)
        return Cgroup(self._directory / "mount", path)

    def write(self, name: str, text: str) -> None:
        self._write_file(f"mount/{name}", text)


class TestCpus:
    @pytest.mark.parametrize(
        ("text", "limit"), [("150000 100000\n", 1.5), ("max 100000\n", None), ("", None)]
    )
    def test_v2(self, cgroup: CgroupOf, text: str, limit: float | None) -> None:
        cgroup.write("cpu.max", text)
        assert cgroup("0::/\n").cpu_limit() == limit

    @pytest.mark.parametrize(("quota", "limit"), [("50000", 0.5), ("-1", None)])
    def test_v1(self, cgroup: CgroupOf, quota: str, limit: float | None) -> None:
        cgroup.write("cpu/cpu.cfs_quota_us", f"{quota}\n")
        cgroup.write("cpu/cpu.cfs_period_us", "100000\n")
        assert cgroup(V1).cpu_limit() == limit

    def test_the_least_of_the_group_and_its_ancestors(self, cgroup: CgroupOf) -> None:
        cgroup.write("pod/container/cpu.max", "max 100000")
        cgroup.write("pod/cpu.max", "200000 100000")
        cgroup.write("cpu.max", "400000 100000")
        assert cgroup("0::/pod/container\n").cpu_limit() == 2.0

    def test_none_where_there_are_no_groups(self, tmp_path: Path) -> None:
        assert Cgroup(tmp_path / "nowhere", tmp_path / "nothing").cpu_limit() is None

    def test_are_whole_and_at_least_one(self, cgroup: CgroupOf) -> None:
        cgroup.write("cpu.max", "10000 100000")
        assert available_cpus(cgroup("0::/\n")) == 1
        cgroup.write("cpu.max", "max 100000")
        assert 1 <= available_cpus(cgroup("0::/\n")) <= (os.cpu_count() or 1)


class TestOomKills:
    def test_v2(self, cgroup: CgroupOf) -> None:
        cgroup.write("a/memory.events", "low 0\nhigh 0\nmax 9\noom 2\noom_kill 3\n")
        assert cgroup("0::/a\n").oom_kills() == 3

    def test_v1(self, cgroup: CgroupOf) -> None:
        text = "oom_kill_disable 0\nunder_oom 0\noom_kill 4\n"
        cgroup.write("memory/memory.oom_control", text)  # as a container sees its own
        assert cgroup(V1).oom_kills() == 4

    def test_cannot_be_seen_without_the_file(self, cgroup: CgroupOf) -> None:
        assert cgroup(V1).oom_kills() is None


class TestOomWatch:
    @staticmethod
    def kills(cgroup: CgroupOf, count: int) -> None:
        cgroup.write("memory.events", f"oom_kill {count}\n")

    def test_each_kill_explains_one_death_since_the_process_started(self, cgroup: CgroupOf) -> None:
        self.kills(cgroup, 5)
        watch = OomWatch(cgroup("0::/\n"))
        marks = [watch.mark() for _ in range(3)]
        assert watch.claim(marks[0]) is False  # killed by somebody else
        self.kills(cgroup, 7)
        assert [watch.claim(mark) for mark in marks] == [True, True, False]
        assert watch.claim(watch.mark()) is False

    def test_nothing_is_said_where_the_counter_cannot_be_seen(self, cgroup: CgroupOf) -> None:
        watch = OomWatch(cgroup("0::/\n"))
        assert watch.claim(watch.mark()) is None
