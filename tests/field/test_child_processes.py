"""What the entry script defines, in processes that it starts: by every start method and library."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests import servers
from tests.live.conftest import Serve
from tests.servers import Server

SCRIPT = """
import concurrent.futures, dataclasses, enum, multiprocessing
from typing import NamedTuple
from azureml.contrib.services.aml_response import AMLResponse
from joblib import Parallel, delayed

class Colour(enum.Enum):
    RED = "red"

@dataclasses.dataclass
class Row:
    value: int
    colour: Colour = Colour.RED
    def grown(self):
        return Row(self.value + 1)

class Pair(NamedTuple):
    one: int
    other: int

def square(value): return value * value
def row_of(value): return Row(value)
def pair_of(value): return Pair(value, value)
def shifted(value): return value + offset

def grow(row):
    assert type(row) is Row and row.colour is Colour.RED
    return row.grown()

def init():
    global offset, late
    offset = 100
    def late(value): return value
    late.__qualname__ = "late"

def mapped(how, function, values):
    if how == "joblib":
        return Parallel(n_jobs=2)(delayed(function)(value) for value in values)
    if how.startswith("futures-"):
        context = multiprocessing.get_context(how.removeprefix("futures-"))
        with concurrent.futures.ProcessPoolExecutor(2, mp_context=context) as executor:
            return list(executor.map(function, values))
    with multiprocessing.get_context(how).Pool(2) as pool:
        return pool.map(function, values)

def run(data):
    how, what = data.split()
    if what == "rows":
        rows = mapped(how, grow, mapped(how, row_of, [1, 2]))
        assert all(type(row) is Row and row.colour is Colour.RED for row in rows)
        return [row.value for row in rows]
    if what == "pairs":
        (pair,) = mapped(how, pair_of, [1])
        assert type(pair) is Pair
        return list(pair)
    if what == "method":
        return [row.value for row in mapped(how, Row.grown, [Row(1), Row(2)])]
    if what == "lambda":
        return mapped(how, lambda value: -value, [1, 2])
    if what == "nested":
        def added(value): return value + offset
        return mapped(how, added, [1, 2])
    return mapped(how, globals()[what], [1, 2])
"""

EVERYWHERE = {
    "square": [1, 4],
    "rows": [2, 3],
    "pairs": [1, 1],
    "method": [2, 3],
}
IN_SPAWNED = ["spawn", "forkserver", "futures-spawn", "futures-forkserver"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with servers.serve(SCRIPT, tmp_path_factory.mktemp("server")) as server:
        yield server


@pytest.mark.parametrize("what", EVERYWHERE)
@pytest.mark.parametrize("how", ["joblib", "fork", *IN_SPAWNED])
def test_functions_and_classes_are_there(server: Server, how: str, what: str) -> None:
    reply = server.score(f"{how} {what}")
    assert reply.status == 200, server.output
    assert reply.json() == EVERYWHERE[what]


@pytest.mark.parametrize(
    ("what", "result"),
    [("lambda", [-1, -2]), ("nested", [101, 102]), ("shifted", [101, 102]), ("late", [1, 2])],
)
def test_joblib_has_what_init_made_too(server: Server, what: str, result: list[int]) -> None:
    """What it takes along is all that a function refers to, as under the reference."""
    reply = server.score(f"joblib {what}")
    assert reply.status == 200, server.output
    assert reply.json() == result


@pytest.mark.parametrize("what", ["late", "shifted", "lambda"])
@pytest.mark.parametrize("how", IN_SPAWNED)
def test_what_cannot_be_there_fails_at_once(server: Server, how: str, what: str) -> None:
    """A Pool whose children cannot read their task would wait for ever."""
    assert server.score(f"{how} {what}").status == 500


def test_the_log_says_what_is_not_there_and_why(server: Server) -> None:
    assert server.score("spawn late").status == 500
    assert "entry_module.late is not there in a child process: it is made when" in server.output


@pytest.mark.parametrize(
    "first_line",
    [
        "import multiprocessing; pool = multiprocessing.get_context('spawn').Pool(1)",
        "import multiprocessing\nif multiprocessing.parent_process(): raise KeyError('no model')",
        "import multiprocessing, sys\nif multiprocessing.parent_process(): sys.exit(5)",
    ],
    ids=["it starts a pool", "it raises", "it exits"],
)
def test_a_script_that_children_cannot_import_fails_at_once(serve: Serve, first_line: str) -> None:
    script = f"""
{first_line}
def square(value): return value * value
def init(): pass
def run(data):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.map(square, [2])
"""
    with serve(script) as server:
        assert server.score().status == 500
        assert "entry_module.square is not there in a child process" in server.output


def test_a_child_reads_what_a_notebook_has_pickled(serve: Serve) -> None:
    script = """
import multiprocessing, pickle
class Model:
    def predict(self, value): return value + self.offset
PICKLED = b"c__main__\\nModel\\n)\\x81}X\\x06\\x00\\x00\\x00offsetK\\x05sb."
def predict(value): return pickle.loads(PICKLED).predict(value)
def init(): pass
def run(data):
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.map(predict, [1])
"""
    with serve(script) as server:
        assert server.score().json() == [6]


@pytest.mark.parametrize("start_method", ["spawn", "forkserver", "fork"])
def test_init_may_start_them(serve: Serve, start_method: str) -> None:
    script = f"""
import multiprocessing, os
from helper import cube
def square(value): return value * value
def init():
    global pool
    pool = multiprocessing.get_context("{start_method}").Pool(1)
    pool.map(square, [1])
def run(data):
    return [pool.map(square, [2]), pool.map(cube, [2])]
"""
    with serve(script, files={"helper.py": "def cube(value): return value**3\n"}) as server:
        assert server.score().json() == [[4], [8]]
