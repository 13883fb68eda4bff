"""Entry scripts in a line each, loaded as the worker loads them."""

from __future__ import annotations

import importlib.util
import itertools
import sys
import textwrap
from pathlib import Path
from types import ModuleType

from scoreserve.worker.model.shared_state import Obstacle, obstacles

HEAD = """\
import json, os, time
import numpy as np
from sklearn.linear_model import LogisticRegression

class Threshold:
    limit = 0.5

def init():
    global model
    model = LogisticRegression().fit(np.eye(4), [0, 1, 0, 1])

"""
_numbers = itertools.count()


def load(folder: Path, source: str, **others: str) -> ModuleType:
    """Write the script and the modules beside it, import it, call init()."""
    for name, text in others.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))
    path = folder / "score.py"
    path.write_text(source)
    name = f"entry_{next(_numbers)}"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        module.init()
    except BaseException:
        del sys.modules[name]
        raise
    return module


def obstacles_of(folder: Path, source: str, **others: str) -> list[Obstacle]:
    """The obstacles of a script whose head is the usual one, unless it has its own init()."""
    text = textwrap.dedent(source).lstrip("\n")
    module = load(folder, text if "def init" in text else HEAD + text, **others)
    try:
        return obstacles(module.run)
    finally:
        sys.modules.pop(module.__name__, None)
        for name in others:
            sys.modules.pop(name, None)
