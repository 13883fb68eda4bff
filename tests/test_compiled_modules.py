"""The list of modules that mypyc compiles (pyproject.toml): nothing that belongs there is missing.

A request that meets an interpreted module on its way pays for it, and a class that inherits from a
compiled one must be compiled too.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.test_imports import imports_of, module_of, modules_of_ours

PYPROJECT = Path(__file__).resolve().parent.parent / "pyproject.toml"

pytestmark = pytest.mark.skipif(not PYPROJECT.exists(), reason="needs the checkout")

# Where a request's way begins, in the front and in the worker.
FAST_PATH = (
    "scoreserve.front.http.score_exchange",
    "scoreserve.worker.main_loop",
    "scoreserve.worker.model.meeting",
)

# What lies on that way, or is imported there, and is interpreted for a reason.
INTERPRETED = {
    "scoreserve.api_keys": "read at start, and when the file changes",
    "scoreserve.errors": "exceptions are no native classes",
    "scoreserve.front.api.auth": "most of its time is hashlib's",
    "scoreserve.front.messages.body_stream": "a streamed body waits for its client",
    "scoreserve.front.messages.cors": "few services answer browsers",
    "scoreserve.front.observe.failures": "few requests fail",
    "scoreserve.otel_environment": "read at start",
    "scoreserve.logs": "what is logged is formatted by the standard library",
    "scoreserve.near_miss": "asked when a value means nothing",
    "scoreserve.pipes": "made once a worker",
    "scoreserve.setting_values": "read at start",
    "scoreserve.settings": "read at start",
    "scoreserve.worker.model.block_watch": "a look every few milliseconds",
    "scoreserve.worker.model.callers": "looks at frames, which are Python's own",
    "scoreserve.worker.model.interception": "descriptors, called with any arguments",
    "scoreserve.worker.model.task": "a greenlet is no native class",
    "scoreserve.worker.script.arrays": "most of its time is numpy's",
    "scoreserve.worker.script.conversions": "an exception, and a look at names",
    "scoreserve.worker.script.coroutines": "most of its time is asyncio's",
    "scoreserve.worker.script.failure_lines": "asked when something has failed",
    "scoreserve.worker.script.idle_source": "made once a worker; the file's own method reads",
    "scoreserve.worker.script.main_module": "asked when something has failed",
    "scoreserve.worker.script.flask_requests": "most of its time is flask's",
    "scoreserve.worker.script.memory": "for large values only",
    "scoreserve.worker.script.plain_values": "follows the script's values to their last item",
    "scoreserve.worker.script.responses": "most of its time is flask's",
    "scoreserve.worker.script.tables": "most of its time is pandas'",
    "scoreserve.worker.script.after_import": "asked when a module is imported",
    "scoreserve.worker.script.trace_context": "most of its time is OpenTelemetry's",
    "scoreserve.worker.script.user_frames": "asked when a script cannot start",
}


def compiled() -> set[str]:
    """The modules on the list."""
    text = PYPROJECT.read_text(encoding="utf-8")
    paths = re.findall(r'^    "(scoreserve/[^"]+)\.py",$', text, re.MULTILINE)
    assert len(paths) > 20
    return {path.removesuffix("/__init__").replace("/", ".") for path in paths}


def test_every_file_on_it_is_there() -> None:
    assert compiled() <= modules_of_ours().keys()


def test_what_the_fast_path_imports_is_on_it() -> None:
    modules = modules_of_ours()
    seen: set[str] = set()
    ahead = list(FAST_PATH)
    while ahead:
        module = ahead.pop()
        if module not in seen:
            seen.add(module)
            imported = {module_of(name, modules) for name in imports_of(modules[module])}
            ahead += imported & modules.keys() - {"scoreserve"}
    assert seen - compiled() == INTERPRETED.keys()


def bases(path: Path) -> Iterator[tuple[str, str]]:
    """Each class of the file, and the name of each class that it inherits from."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef):
            for base in node.bases:
                yield node.name, ast.unparse(base)


def test_a_compiled_class_and_who_inherits_from_it_are_both_on_it() -> None:
    modules = modules_of_ours()
    on_it = compiled()
    of_class = {
        name.name: module
        for module, path in modules.items()
        for name in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(name, ast.ClassDef)
    }
    offences = [
        f"{module}.{name} inherits from {base}"
        for module, path in modules.items()
        for name, base in bases(path)
        if base in of_class
        and (of_class[base] in on_it) != (module in on_it)
        # An interpreted class may inherit from what says so, see allow_interpreted_subclasses.
        and not (of_class[base] in on_it and base in {"ReplyTo", "QueuedJob", "Job"})
    ]
    assert not offences
