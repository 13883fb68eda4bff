"""Calls that meet: the rows of one joined call are the results of the calls alone."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Any

import numpy as np

from scoreserve.worker.model.join import cut, join, key_of, rows_of, same
from scoreserve.worker.model.libraries import Library

COUNTS = [1, 1, 3, 1, 7, 2, 1, 1, 40, 1]


def in_parts(rows: Any, counts: Sequence[int] = COUNTS) -> list[Any]:
    """Inputs of as many rows each, as requests bring them."""
    pieces = []
    start = 0
    for count in counts:
        piece = getattr(rows, "iloc", rows)[start : start + count]
        pieces.append(piece.reset_index(drop=True) if hasattr(piece, "iloc") else piece)
        start += count
    assert start <= getattr(rows, "shape", [len(rows)])[0]
    return pieces


def assert_meets(
    library: Library, model: Any, method: str, inputs: Sequence[Any], **named: Any
) -> None:
    """The inputs' calls joined and cut again are the calls alone, in any order and group."""
    ask = getattr(model, method)
    refusals = {refusal(library, model, method, rows, **named) for rows in inputs}
    assert refusals == {""}
    calls = [library.rows_argument(model, method, (rows,), named) for rows in inputs]
    exact = library.exact(model, method)
    assert len({key_of(call.rows) for call in calls}) == 1
    assert key_of(calls[0].rows) is not None
    alone = []
    for call in calls:
        args, kwargs = call.arguments(call.rows)
        alone.append(ask(*args, **kwargs))
    places = list(range(len(calls)))
    for group in (places, places[:2], random.Random(1).sample(places, len(places)), places[-1:]):
        met = [calls[place] for place in group]
        args, kwargs = met[0].arguments(join([call.rows for call in met]))
        result = ask(*args, **kwargs)
        pieces = cut(result, [rows_of(call.rows) for call in met], several=met[0].several)
        for place, piece in zip(group, pieces, strict=True):
            assert same(piece, alone[place], exact=exact), (method, piece, alone[place])


def refusal(library: Library, model: Any, method: str, *args: Any, **kwargs: Any) -> str:
    of_call = library.refusal_of_call(model, method, args, kwargs)
    return of_call or library.refusal_of_model(model, method)


def numbers(rows: int = 60, columns: int = 8, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(rows, columns))


def targets(rows: Any, classes: int = 3) -> Any:
    """A class for each row, that can be learnt."""
    score = np.asarray(rows, dtype=float)[:, :3].sum(axis=1)
    return np.digitize(score, np.quantile(score, np.linspace(0, 1, classes + 1)[1:-1]))
