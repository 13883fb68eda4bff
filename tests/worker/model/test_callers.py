"""Calls wait in a model only beneath code that keeps nothing of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import CodeType
from typing import Any

import pytest

from scoreserve.worker.model import callers


def ask(run: CodeType | None) -> str:
    """As one of ours does in the place of a known method."""
    return callers.refusal(run)


CALL = "def call(function, *arguments):\n    return function(*arguments)\n"


@pytest.fixture
def installed(tmp_path: Path) -> Callable[[str], Any]:
    """The function `call` of a package of that name beneath site-packages."""

    def install(name: str) -> Any:
        file = tmp_path / "site-packages" / name / "__init__.py"
        module: dict[str, Any] = {}
        exec(compile(CALL, str(file), "exec"), module)
        return module["call"]

    return install


def run() -> str:
    return ask(run.__code__)


def test_the_scripts_own_code_and_pythons() -> None:
    assert run() == ""
    assert list(map(lambda _: run(), [1])) == [""]  # noqa: C417 - a frame more


def test_a_library_that_may_keep_something(installed: Callable[[str], Any]) -> None:
    call = installed("explainers_of_somebody")

    def whole() -> str:
        reason: str = call(ask, whole.__code__)
        return reason

    assert "explainers_of_somebody" in whole()


def test_what_calls_run_is_not_looked_at(installed: Callable[[str], Any]) -> None:
    assert installed("decorators_of_somebody")(run) == ""


@pytest.mark.parametrize("name", ["pandas", "inference_schema"])
def test_a_library_that_keeps_nothing(name: str, installed: Callable[[str], Any]) -> None:
    def whole() -> str:
        reason: str = installed(name)(ask, whole.__code__)
        return reason

    assert whole() == ""
