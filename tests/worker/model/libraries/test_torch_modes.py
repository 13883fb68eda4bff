"""PyTorch's modes of a thread, of calls that go on by turns in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from scoreserve.worker.model.thread_state import ThreadState  # noqa: E402


def modes() -> tuple[bool, bool]:
    return torch.is_inference_mode_enabled(), torch.is_grad_enabled()


def a_call(context: Callable[[], AbstractContextManager[Any]], seen: list[Any]) -> Iterator[None]:
    """Predicts under the context: waits in it, once."""
    seen.append(modes())
    with context():
        inside = modes()
        yield
        assert modes() == inside
    seen.append(modes())


@pytest.mark.parametrize("context", [torch.inference_mode, torch.no_grad], ids=lambda c: c.__name__)
@pytest.mark.parametrize("order", [(0, 1, 2), (2, 1, 0), (1, 0, 2)])
def test_each_call_has_its_own(context: Any, order: tuple[int, ...]) -> None:
    base = ThreadState()
    before = modes()
    assert before == (False, True)
    seen: list[Any] = []
    calls = [a_call(context, seen) for _ in order]
    kept: list[ThreadState] = []
    for call in calls:
        base.restore()
        next(call)
        kept.append(base.now())
    for number in order:
        kept[number].restore()
        next(calls[number], None)
    assert seen == [before] * 6
    base.restore()
    assert modes() == before
    weights = torch.ones(2, requires_grad=True)
    (weights * torch.ones(2)).sum().backward()  # inference tensors could not
    assert weights.grad is not None
