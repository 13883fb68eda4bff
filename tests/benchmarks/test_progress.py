"""What a person sees while it measures."""

import io

from benchmarks.plan import Cell
from benchmarks.progress import Progress


class Terminal(io.StringIO):
    """Says that it is one."""

    def isatty(self) -> bool:
        return True


def progress(stream: io.StringIO, seconds_each: float) -> Progress:
    now = iter(seconds_each * number for number in range(100))
    return Progress(stream, lambda: next(now))


def test_a_file_gets_a_line_for_each_reading() -> None:
    stream = io.StringIO()
    shown = progress(stream, 10)
    shown.begin(4)
    for number in (1, 2):
        shown.step(Cell("noop", "floor", 64, number))
    assert stream.getvalue().splitlines() == [
        "[........................] 0/4 noop floor 64, round 1",
        "[######..................] 1/4, 30 s left noop floor 64, round 2",
    ]


def test_a_terminal_is_redrawn_and_left_clean() -> None:
    stream = Terminal()
    shown = progress(stream, 100)
    shown.begin(3)
    shown.step(Cell("cold", "floor", 0, 1))
    shown.step(Cell("cold", "mosec", 0, 1))
    shown.end()
    assert "\n" not in stream.getvalue()
    assert "1/3, 3 min left cold mosec, round 1" in stream.getvalue()
    assert stream.getvalue().endswith("\r\033[K")
