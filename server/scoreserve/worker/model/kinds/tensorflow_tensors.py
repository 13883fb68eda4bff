"""TensorFlow's eager tensors, which nobody can write to."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import tensorflow as tf

from scoreserve.worker.model.kinds import NotByRows, arrays


def key(tensor: Any) -> Hashable | None:
    shape = tensor.shape
    if not shape.rank or not shape[0]:
        return None
    return (type(tensor), tensor.dtype, tuple(shape[1:]), tensor.device)


def rows(tensor: Any) -> int:
    if not tensor.shape.rank:
        raise NotByRows("the result is one number")
    return int(tensor.shape[0])


def join(tensors: Sequence[Any]) -> Any:
    return tf.concat(list(tensors), axis=0)


def cut(result: Any, counts: Sequence[int]) -> list[Any]:
    return list(tf.split(result, list(counts)))


def same(cut: Any, alone: Any, *, exact: bool) -> bool:
    return cut.dtype == alone.dtype and arrays.same(cut.numpy(), alone.numpy(), exact=exact)
