"""What `__main__` is to a script, and what is said of pickles that need more of it."""

from __future__ import annotations

import pickle
import sys
from types import ModuleType

import pytest

from scoreserve.worker.script import main_module

MODEL = b"c__main__\nModel\n."


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script's module, and ours as the program."""
    program = ModuleType("__main__")
    vars(program).update(Settings=1, __file__="program.py")
    script = ModuleType("entry_module")
    monkeypatch.setitem(sys.modules, "__main__", program)
    monkeypatch.setitem(sys.modules, "entry_module", script)
    main_module.install()
    return script


def test_has_what_the_script_has(script: ModuleType) -> None:
    vars(script)["Model"] = int
    assert pickle.loads(MODEL) is int


def test_has_what_is_set_on_it(script: ModuleType) -> None:
    vars(script)["Model"] = int
    vars(sys.modules["__main__"])["Model"] = str
    assert pickle.loads(MODEL) is str


def test_has_nothing_of_the_program_but_what_says_which_it_is(script: ModuleType) -> None:
    main = sys.modules["__main__"]
    assert main.__file__ == "program.py"
    assert not hasattr(main, "Settings")
    vars(script)["__doc__"] = "the script's"
    assert main.__doc__ is None


@pytest.mark.parametrize("load", [pickle.loads, pickle._loads], ids=["C", "Python"])  # type: ignore[attr-defined]
@pytest.mark.parametrize("text", [MODEL, pickle.PROTO + b"\x04\x8c\x08__main__\x8c\x05Model\x93."])
def test_what_is_missing_is_named_with_the_remedy(
    script: ModuleType, load: object, text: bytes
) -> None:
    assert callable(load)
    with pytest.raises(AttributeError) as caught:
        load(text)
    for error in (caught.value, _caused_by(caught.value)):
        assert "Define Model in the entry script, or import it there" in main_module.advice(error)


@pytest.mark.parametrize(
    "error",
    [
        KeyError("__main__"),
        AttributeError("module 'numpy' has no attribute 'Model'"),
        AttributeError("Can't get attribute 'Model' on <module 'mine' from 'mine.py'>"),
    ],
)
def test_nothing_is_said_of_other_errors(error: Exception) -> None:
    assert main_module.advice(error) == ""


def test_errors_in_a_circle_come_to_an_end() -> None:
    one, other = KeyError(), KeyError()
    one.__context__, other.__context__ = other, one
    assert main_module.advice(one) == ""


def _caused_by(cause: Exception) -> Exception:
    try:
        raise RuntimeError("no model") from cause
    except RuntimeError as error:
        return error
