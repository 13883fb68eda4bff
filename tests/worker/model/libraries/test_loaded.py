"""Which libraries are known in a process: those that its script imported, and no other."""

from __future__ import annotations

import subprocess
import sys

import pytest

_LOADED = """
import sys
from scoreserve.worker.model import join, libraries
assert libraries.loaded() == []
assert join.key_of(["a"]) is not None and join.key_of(object()) is None
{imports}
before = set(sys.modules)
print(*[library.name for library in libraries.loaded()], sep=",")
assert libraries.loaded() == libraries.loaded()
new = {{name.partition(".")[0] for name in set(sys.modules) - before}}
print(*sorted(new - set(sys.stdlib_module_names) - {{"scoreserve"}}), sep=",")
"""


def loaded_after(imports: str) -> list[str]:
    """The names of the libraries, and what was imported for asking."""
    code = _LOADED.format(imports=imports)
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split("\n")[:2]


def test_a_script_without_libraries_has_none_and_no_numpy() -> None:
    assert loaded_after("assert 'numpy' not in sys.modules") == ["", ""]


@pytest.mark.parametrize(
    ("module", "name"),
    [
        ("sklearn.linear_model", "scikit-learn"),
        ("onnxruntime", "onnxruntime"),
        ("lightgbm", "LightGBM"),
        ("xgboost", "XGBoost"),
    ],
)
def test_a_library_is_known_when_the_script_has_it(module: str, name: str) -> None:
    pytest.importorskip(module)
    known, imported = loaded_after(f"import {module}")
    assert name in known.split(",")
    assert not imported


def test_one_of_a_release_that_is_not_known_is_left_alone() -> None:
    stranger = "import types; sys.modules['xgboost.core'] = types.ModuleType('xgboost.core')"
    assert loaded_after(stranger) == ["", ""]
