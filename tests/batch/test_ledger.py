"""What is on disk of a job that has not ended: whole records, once each, whatever cut it short."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import pytest

from scoreserve.batch.ledger import Ledger
from scoreserve.batch.work import Done, UnusableInput


def done(number: int, *, failed: bool = False) -> Done:
    payload = b"" if failed else f"result {number}\n".encode() * number
    return Done(number, 2, 0 if failed else 2, 1, 0.5, payload, "no" if failed else "", failed)


def fill(output: Path, *records: Done) -> None:
    with closing(Ledger(output, "job", resume=True)) as ledger:
        for record in records:
            ledger.add(record)


def kept(output: Path) -> list[bytes]:
    with closing(Ledger(output, "job", resume=True)) as ledger:
        return list(ledger.payloads(ordered=True))


def test_records_are_there_again(tmp_path: Path) -> None:
    fill(tmp_path, done(2), done(1))
    with closing(Ledger(tmp_path, "job", resume=True)) as ledger:
        assert [ledger.is_done(number) for number in range(4)] == [False, True, True, False]
        assert list(ledger.payloads(ordered=True)) == [done(1).payload, done(2).payload]
        assert list(ledger.payloads(ordered=False)) == [done(2).payload, done(1).payload]
        assert sorted(ledger.ended()) == [done(number)._replace(payload=b"") for number in (1, 2)]


def test_a_record_that_is_cut_anywhere_does_not_count(tmp_path: Path) -> None:
    fill(tmp_path, done(1))
    path = tmp_path / ".parts/results"
    whole = path.read_bytes()
    fill(tmp_path, done(2))
    both = path.read_bytes()
    for length in range(len(whole), len(both)):
        path.write_bytes(both[:length])
        assert kept(tmp_path) == [done(1).payload]
        assert path.read_bytes() == whole  # what comes next is whole again
    path.write_bytes(both[:-3] + b"???")  # as a power cut leaves it
    assert kept(tmp_path) == [done(1).payload]


def test_a_failure_has_another_chance(tmp_path: Path) -> None:
    fill(tmp_path, done(1, failed=True), done(2))
    with closing(Ledger(tmp_path, "job", resume=True)) as ledger:
        assert not ledger.is_done(1)
        ledger.forget_failures()
        assert not ledger.has(1)
        ledger.add(done(1))
    assert kept(tmp_path) == [done(1).payload, done(2).payload]


def test_what_is_there_is_not_overwritten(tmp_path: Path) -> None:
    fill(tmp_path, done(1))
    with pytest.raises(UnusableInput, match="--resume"):
        Ledger(tmp_path, "job", resume=False)
    with pytest.raises(UnusableInput, match="another"):
        Ledger(tmp_path, "other job", resume=True)
    with (
        closing(Ledger(tmp_path, "job", resume=True)),
        pytest.raises(UnusableInput, match="writing there"),
    ):
        Ledger(tmp_path, "job", resume=True)


def test_a_job_without_a_result_is_none(tmp_path: Path) -> None:
    """As one that was started with a wrong flag."""
    fill(tmp_path)
    with closing(Ledger(tmp_path, "other job", resume=False)) as ledger:
        assert not list(ledger.ended())
