"""Names that a child process does not have: their tasks fail when called, and not before."""

from __future__ import annotations

import pickle
import sys
from types import ModuleType

import pytest

from scoreserve.worker.script import missing_names

REASON = "script.lost is not there in a child process: it is raining"


@pytest.fixture(autouse=True)
def script(monkeypatch: pytest.MonkeyPatch) -> None:
    """A module with a name of its own, and all others."""
    module = ModuleType("script")
    vars(module)["kept"] = len
    monkeypatch.setitem(sys.modules, "script", module)
    missing_names.stand_in_for("script", "it is raining")


def test_what_is_there_is_found() -> None:
    assert pickle.loads(b"cscript\nkept\n.") is len


def test_a_function_fails_when_it_is_called() -> None:
    function = pickle.loads(b"cscript\nlost\n.")
    with pytest.raises(ImportError, match=REASON):
        function(1)


@pytest.mark.parametrize(
    "text",
    [
        b"cscript\nlost\n)\x81}X\x01\x00\x00\x00aK\x05sb.",  # an object with a state
        b"cscript\nlost\nK\x01K\x02\x86\x81.",  # one of a named tuple
        b"c__builtin__\ngetattr\n(cscript\nlost\n)\x81X\x06\x00\x00\x00methodtR.",  # its method
    ],
    ids=["object", "tuple", "method"],
)
def test_an_object_can_be_read_and_not_used(text: bytes) -> None:
    thing = pickle.loads(text)
    with pytest.raises(ImportError, match=REASON):
        thing()


def test_what_python_itself_asks_for_is_not_there() -> None:
    assert not hasattr(sys.modules["script"], "__path__")
    assert not hasattr(pickle.loads(b"cscript\nlost\n)\x81."), "__deepcopy__")
