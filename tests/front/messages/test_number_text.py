"""Numbers as text."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from librt.strings import BytesWriter

from scoreserve.front.messages.number_text import write_milliseconds, write_number


@given(st.integers(0, 2**63 - 1) | st.integers(0, 2000))
def test_a_number_is_written_as_it_is(number: int) -> None:
    out = BytesWriter()
    write_number(out, number)
    assert out.getvalue() == b"%d" % number


@given(st.integers(0, 10**9) | st.integers(0, 2_000_000))
def test_a_time_is_written_to_the_microsecond(microseconds: int) -> None:
    out = BytesWriter()
    write_milliseconds(out, microseconds / 1e6)
    assert out.getvalue() == b"%d.%03d" % divmod(microseconds, 1000)


@given(st.floats(0, 1e6))
def test_a_time_is_rounded(seconds: float) -> None:
    out = BytesWriter()
    write_milliseconds(out, seconds)
    assert float(out.getvalue()) == pytest.approx(seconds * 1000, abs=0.00051)


@pytest.mark.parametrize("seconds", [-0.5, -1e-9, math.inf, -math.inf, math.nan, 1e30])
def test_what_is_no_time_is_nothing(seconds: float) -> None:
    out = BytesWriter()
    write_milliseconds(out, seconds)
    assert out.getvalue() == b"0.000"
