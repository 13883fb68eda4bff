"""Scripts as people write them: what works when one runs them by hand works in a worker."""

from __future__ import annotations

import py_compile
import shutil
import signal
import subprocess
import sysconfig
from pathlib import Path
from typing import ClassVar

import pytest

from tests.live.conftest import Serve
from tests.servers import wait_until

FAILED = "An unexpected error occurred in scoring script. Check the logs for more info."


class TestFlask:
    """Whenever it is imported: the request is there."""

    LATE = """
import threading
def init(): pass
def run(data):
    if data == "before":
        return data
    if data == "in a thread":
        thread = threading.Thread(target=__import__, args=("flask",))
        thread.start()
        thread.join()
        return data
    import helper
    return helper.seen()
"""
    HELPER = """
from flask import current_app, jsonify, request
def seen():
    return jsonify([request.headers["x-name"], request.get_data(as_text=True), current_app.name])
"""

    @pytest.mark.parametrize("first", ["1", "before", "in a thread"])
    def test_imported_in_run(self, serve: Serve, first: str) -> None:
        with serve(self.LATE, files={"helper.py": self.HELPER}) as server:
            assert server.score(first, x_name="first").status == 200
            for number in range(3):
                reply = server.score(f"ä{number}", x_name=f"name {number}")
                assert reply.json() == [f"name {number}", f"ä{number}", "azmlinfsrv"]

    def test_imported_in_run_for_a_get(self, serve: Serve) -> None:
        script = """
def init(): pass
def run(data):
    import flask
    return [flask.request.method, flask.request.args["a"], data]
"""
        with serve(script) as server:
            assert server.get("/score?a=1").json() == ["GET", "1", '{"a": 1}']

    def test_imported_in_run_under_a_schema(self, serve: Serve) -> None:
        script = """
from inference_schema.schema_decorators import input_schema
from inference_schema.parameter_types.standard_py_parameter_type import StandardPythonParameterType
def init(): pass
@input_schema("data", StandardPythonParameterType("x"))
def run(data):
    import flask
    return [data, flask.request.get_data(as_text=True), flask.has_request_context()]
"""
        with serve(script) as server:
            for body in ('{"data":  "a"}', '{"data": "b",  "more": 1}'):
                reply = server.score(body, content_type="application/json")
                assert reply.json() == [reply.json()[0], body, True]

    def test_imported_in_an_async_run(self, serve: Serve) -> None:
        script = """
import asyncio
def init(): pass
async def run(data):
    await asyncio.sleep(0)
    import flask
    await asyncio.sleep(0)
    return [data, flask.request.get_data(as_text=True)]
"""
        with serve(script) as server:
            for body in "ab":
                assert server.score(body).json() == [body, body]

    def test_each_request_is_its_own_once_it_is_over(self, serve: Serve) -> None:
        script = """
def init(): pass
def run(data):
    import flask
    flask.g.seen = getattr(flask.g, "seen", "") + data
    if data == "fail":
        raise KeyError(data)
    return flask.g.seen
"""
        with serve(script) as server:
            assert server.score("fail").status == 500
            assert [server.score(body).json() for body in "ab"] == ["a", "b"]

    def test_ends_batching_when_it_comes(self, serve: Serve) -> None:
        script = """
import json
def init(): pass
def run(data):
    rows = json.loads(data)["data"]
    if rows == [["flask"]]:
        import flask
    return rows
"""
        env = {"SCORESERVE_MAX_BATCH_SIZE": "8", "SCORESERVE_BATCHING": "rows"}
        with serve(script, env=env) as server:
            assert server.score('{"data": [[1]]}').json() == [[1]]
            assert server.score('{"data": [["flask"]]}').json() == [["flask"]]
            assert "Batching is off: the script imports flask" in server.output


class TestFiles:
    """What may be the entry script."""

    SOURCE = "def init(): pass\ndef run(data): return [data, __name__]\n"

    def test_bytecode(self, serve: Serve, tmp_path: Path) -> None:
        (tmp_path / "source.py").write_text(self.SOURCE)
        py_compile.compile(str(tmp_path / "source.py"), str(tmp_path / "score.pyc"), doraise=True)
        with serve(None, args=("--entry_script", "score.pyc")) as server:
            assert server.score("x").json() == ["x", "entry_module"]

    @pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
    def test_an_extension_module(self, serve: Serve, tmp_path: Path) -> None:
        source = tmp_path / "score.c"
        source.write_text("""
#include <Python.h>
static PyObject *init(PyObject *self, PyObject *nothing) { Py_RETURN_NONE; }
static PyMethodDef methods[] = {{"init", init, METH_NOARGS, ""}, {0}};
static int fill(PyObject *module) {
    PyObject *globals = PyModule_GetDict(module);
    PyDict_SetItemString(globals, "__builtins__", PyEval_GetBuiltins());
    PyObject *done = PyRun_String(
        "import sys\\ndef run(data): return [data, __name__, 'entry_module' in sys.modules]\\n",
        Py_file_input, globals, globals);
    Py_XDECREF(done);
    return done ? 0 : -1;
}
static PyModuleDef_Slot slots[] = {{Py_mod_exec, fill}, {0}};
static PyModuleDef definition = {PyModuleDef_HEAD_INIT, "score", "", 0, methods, slots};
PyMODINIT_FUNC PyInit_score(void) { return PyModuleDef_Init(&definition); }
""")
        name = f"score{sysconfig.get_config_var('EXT_SUFFIX')}"
        headers = sysconfig.get_path("include")
        command = ["cc", "-shared", "-fPIC", f"-I{headers}", str(source), "-o", name]
        subprocess.run(command, cwd=tmp_path, check=True)
        with serve(None, args=("--entry_script", name)) as server:
            assert server.score("x").json() == ["x", "score", True]

    @pytest.mark.parametrize(
        ("name", "content", "reason"),
        [
            ("score.ipynb", b'{"cells": []}', "is a notebook"),
            ("score.pyc", b"not bytecode", "is no bytecode of this Python"),
            ("score", b"\x7fELF\0\0", "neither Python source nor anything else to import"),
        ],
    )
    def test_others_are_refused_and_the_reason_is_told(
        self, launch: Serve, tmp_path: Path, name: str, content: bytes, reason: str
    ) -> None:
        (tmp_path / name).write_bytes(content)
        with launch(None, args=("--entry_script", name)) as server:
            assert server.wait_exit() == 3
            assert reason in server.output


class TestSigalrm:
    """Handler and timer are the script's, and no limit of the server's rings into them."""

    @pytest.mark.parametrize("where", ["init", "module", "run"])
    def test_a_handler_stays(self, serve: Serve, where: str) -> None:
        script = f"""
import signal, time
class TooLong(Exception): pass
def ring(number, frame): raise TooLong
def install():
    if signal.getsignal(signal.SIGALRM) is not ring:
        installed.append(signal.signal(signal.SIGALRM, ring))
installed = []
if "{where}" == "module": install()
def init():
    if "{where}" == "init": install()
def run(data):
    if "{where}" == "run": install()
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    try:
        time.sleep(60)
    except TooLong:
        return [signal.getsignal(signal.SIGALRM) is ring, len(installed)]
"""
        with serve(script, env={"SCORING_TIMEOUT_MS": "20000"}) as server:
            assert [server.score().json() for _ in range(3)] == [[True, 1]] * 3

    def test_the_servers_limit_holds_beside_them(self, serve: Serve) -> None:
        script = """
import signal, time
heard = []
def init():
    signal.signal(signal.SIGALRM, lambda *_: heard.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.01, 0.01)
def run(data):
    if data == "heard":
        before = len(heard)
        while len(heard) < before + 3:
            time.sleep(0.01)
        return "ticks"
    while True:
        time.sleep(60)
"""
        with serve(script, env={"SCORING_TIMEOUT_MS": "300"}) as server:
            workers = server.workers()
            assert server.score("heard").json() == "ticks"
            assert server.score("hang").message == "Scoring timeout after 300 ms"
            assert server.score("heard").json() == "ticks"
            assert server.workers() == workers

    def test_a_limit_that_run_forgets_does_not_end_the_worker(self, serve: Serve) -> None:
        script = """
import signal, time
class TooLong(Exception): pass
def ring(number, frame): raise TooLong
def init(): pass
def run(data):
    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, 0.2)
    if data == "left":
        return signal.getitimer(signal.ITIMER_REAL)[0] > 0
    time.sleep(float(data))
"""
        with serve(script) as server:
            workers = server.workers()
            assert server.score("left").json() is True
            assert server.score("60").message == FAILED  # the worker has lived to hear of it
            assert server.workers() == workers
            assert "TooLong" in server.output


@pytest.mark.parametrize(
    "raising",
    [
        "import socket; s = socket.create_server(('127.0.0.1', 0)); s.settimeout(0.01); s.accept()",
        "raise TimeoutError('mine')",
        "import asyncio; asyncio.run(asyncio.wait_for(asyncio.sleep(60), 0.01))",
        "from concurrent.futures import Future; Future().result(0.01)",
        "import subprocess; subprocess.run(['sleep', '60'], timeout=0.01)",
    ],
    ids=["socket", "own", "asyncio", "future", "subprocess"],
)
def test_a_timeout_of_the_scripts_own_is_an_exception(serve: Serve, raising: str) -> None:
    with serve("def init(): pass\ndef run(data): exec(data)\n") as server:
        assert server.score(raising).message == FAILED
        assert "Traceback" in server.output
        assert "Scoring timeout after" not in server.output
        assert "allocated time" not in server.output


class TestPrinting:
    @pytest.mark.parametrize("log_format", ["text", "json"])
    def test_what_is_captured_is_the_scripts(self, serve: Serve, log_format: str) -> None:
        script = """
import contextlib, io, sys
def captured(code):
    buffer = io.StringIO()
    with contextlib.redirect_stdout(buffer):
        exec(code)
    return buffer.getvalue()
def init():
    global of_init
    of_init = captured("print('of init')")
    print("after init")
def run(data):
    before, sys.stdout = sys.stdout, io.StringIO()
    try:
        print(data, end="", flush=True)
        seen = sys.stdout.getvalue()
    finally:
        sys.stdout = before
    print("after run")
    return [of_init, captured("import sys; print(6 * 7, file=sys.stdout)"), seen]
"""
        with serve(script, env={"SCORESERVE_LOG_FORMAT": log_format}) as server:
            assert server.score("x").json() == ["of init\n", "42\n", "x"]
            assert "after init" in server.output
            assert "after run" in server.output
            assert "of init" not in server.output

    def test_a_script_may_detach_stdout(self, serve: Serve) -> None:
        """To write in another encoding: the log goes on."""
        script = """
import io, sys
sys.stdout = io.TextIOWrapper(sys.stdout.detach(), encoding="utf-8", line_buffering=True)
def init(): pass
def run(data):
    print("printed")
    sys.stdout.write("written\\n")
    raise KeyError("mine")
"""
        with serve(script) as server:
            assert server.score().status == 500
            for text in ("azmlinfsrv.print - printed", "written", "KeyError: 'mine'"):
                assert text in server.output


class TestLogging:
    CONFIGURES: ClassVar = {
        "dictConfig": """
    logging.config.dictConfig({
        "version": 1,
        "formatters": {"own": {"format": "own format: %(message)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "own"}},
        "root": {"level": "INFO", "handlers": ["console"]},
    })
""",
        "fileConfig": """
    logging.config.fileConfig(io.StringIO('''
[loggers]
keys=root
[handlers]
keys=console
[formatters]
keys=own
[logger_root]
level=INFO
handlers=console
[handler_console]
class=StreamHandler
args=()
formatter=own
[formatter_own]
format=own format: %(message)s
'''))
""",
    }

    @pytest.mark.parametrize("when", ["import", "init", "run"])
    @pytest.mark.parametrize("how", CONFIGURES)
    def test_a_scripts_own_leaves_the_servers_as_it_is(
        self, serve: Serve, how: str, when: str
    ) -> None:
        script = f"""
import io, logging, logging.config
mine = logging.getLogger("mine")
def configure():
{self.CONFIGURES[how]}
    global mine
    mine = logging.getLogger("mine after it")
if "{when}" == "import": configure()
def init():
    if "{when}" == "init": configure()
def run(data):
    if "{when}" == "run": configure()
    mine.info("said by mine")
    print("said by print")
    raise KeyError("the cause")
"""
        with serve(script) as server:
            assert server.score().status == 500
            assert "own format: said by mine" in server.output
            assert "azmlinfsrv.print - said by print" in server.output
            assert "azmlinfsrv - Encountered Exception" in server.output
            assert "KeyError: 'the cause'" in server.output
            assert "Worker with pid" in server.output

    def test_a_script_may_say_what_the_servers_do(self, serve: Serve) -> None:
        script = """
import logging, logging.config
def init():
    logging.config.dictConfig({
        "version": 1,
        "formatters": {"own": {"format": "own format: %(message)s"}},
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "own"}},
        "loggers": {"azmlinfsrv": {"level": "ERROR", "handlers": ["console"], "propagate": False}},
    })
    logging.getLogger("azmlinfsrv.print").disabled = True
def run(data):
    print("said by print")
    raise KeyError("the cause")
"""
        with serve(script) as server:
            assert server.score().status == 500
            assert "own format: Encountered Exception" in server.output
            assert "said by print" not in server.output


class TestClassesOfANotebook:
    PICKLE = r'b"c__main__\nModel\n)\x81}X\x06\x00\x00\x00offsetK\x05sb."'

    @pytest.mark.parametrize(
        "definition",
        [
            "class Model: pass",
            "from models import Model",
            "import __main__, models; __main__.Model = models.Model",
        ],
        ids=["defined", "imported", "set by hand"],
    )
    @pytest.mark.parametrize("loads", ["pickle.loads", "_Unpickler"])
    def test_are_those_of_the_script(self, serve: Serve, definition: str, loads: str) -> None:
        read = (
            "pickle.loads(PICKLE)"
            if loads == "pickle.loads"
            else (
                "pickle._Unpickler(io.BytesIO(PICKLE)).load()"  # joblib's is made of it
            )
        )
        script = f"""
import io, pickle
{definition}
PICKLE = {self.PICKLE}
model = {read}
def init(): pass
def run(data):
    return [model.offset, {read}.offset]
"""
        with serve(script, files={"models.py": "class Model: pass\n"}) as server:
            assert server.score().json() == [5, 5]

    @pytest.mark.parametrize("when", ["init", "import"])
    def test_that_are_nowhere_are_named_with_the_remedy(self, launch: Serve, when: str) -> None:
        script = f"""
import pickle
def load(): return pickle.loads({self.PICKLE})
if "{when}" == "import": load()
def init(): load()
def run(data): pass
"""
        with launch(script) as server:
            assert server.wait_exit() == 3
            assert "Define Model in the entry script, or import it there" in server.output

    def test_that_run_misses_are_told_too(self, serve: Serve) -> None:
        script = f"""
import pickle
def init(): pass
def run(data):
    try:
        pickle.loads({self.PICKLE})
    except AttributeError as error:
        raise RuntimeError("no model") from error
"""
        with serve(script) as server:
            assert server.score().message == FAILED
            assert "Define Model in the entry script" in server.output

    def test_are_never_those_of_the_server(self, launch: Serve) -> None:
        """Its program has a Settings too."""
        script = """
import pickle
def init(): pickle.loads(b"c__main__\\nSettings\\n.")
def run(data): pass
"""
        with launch(script) as server:
            assert server.wait_exit() == 3
            assert "Define Settings in the entry script" in server.output


class TestScriptBehindALink:
    """As Kubernetes mounts a ConfigMap: what the links lead to is replaced, and removed."""

    SCRIPT = """
import os
from helper import VERSION
def init(): pass
def run(data):
    if data == "die":
        os._exit(1)
    return [VERSION, "{version}"]
"""

    def publish(self, mount: Path, version: str) -> None:
        folder = mount / f"..{version}"
        folder.mkdir(parents=True)
        (folder / "score.py").write_text(self.SCRIPT.replace("{version}", version))
        (folder / "helper.py").write_text(f"VERSION = {version!r}\n")
        before = (mount / "..data").resolve()
        (mount / "..new").symlink_to(folder.name)
        (mount / "..new").rename(mount / "..data")
        for name in ("score.py", "helper.py"):
            if not (mount / name).is_symlink():
                (mount / name).symlink_to(f"..data/{name}")
        if before != folder and before.name != "..data":
            shutil.rmtree(before)

    def test_reload_and_deaths_find_the_new_one(self, serve: Serve, tmp_path: Path) -> None:
        mount = tmp_path / "mount"
        self.publish(mount, "one")
        env = {"AML_APP_ROOT": str(mount), "PYTHONDONTWRITEBYTECODE": "1"}
        with serve(None, args=("--entry_script", "mount/score.py"), env=env) as server:
            assert server.score().json() == ["one", "one"]
            self.publish(mount, "two")
            assert server.score("die").status == 502
            assert server.score().json() == ["two", "two"]
            self.publish(mount, "three")
            server.signal(signal.SIGHUP)
            wait_until(lambda: server.score().json() == ["three", "three"], "the third is served")

    def test_the_watcher_sees_the_new_one(self, serve: Serve, tmp_path: Path) -> None:
        mount = tmp_path / "mount"
        self.publish(mount, "one")
        env = {"AML_APP_ROOT": str(mount), "SCORESERVE_RELOAD": "true"}
        with serve(None, args=("--entry_script", "mount/score.py"), env=env) as server:
            assert server.score().json() == ["one", "one"]
            self.publish(mount, "two")
            wait_until(lambda: server.score().json() == ["two", "two"], "the second is served")

    def test_a_parent_folder_behind_a_link_is_the_one_meant(
        self, serve: Serve, tmp_path: Path
    ) -> None:
        real = tmp_path / "real" / "inner"
        real.mkdir(parents=True)
        (real.parent / "score.py").write_text("def init(): pass\ndef run(data): return 'real'\n")
        (tmp_path / "link").symlink_to(real)
        with serve(None, args=("--entry_script", "link/../score.py")) as server:
            assert server.score().json() == "real"
