"""PyTorch's tensors, as a model in eval mode takes and gives them."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any

import torch

from scoreserve.worker.model.kinds import NotByRows, arrays


def key(tensor: Any) -> Hashable | None:
    """A tensor that gradients are asked of is of a graph of its own."""
    if not tensor.dim() or not tensor.shape[0] or tensor.requires_grad:
        return None
    if tensor.layout is not torch.strided:
        return None
    return (torch.Tensor, tensor.dtype, tensor.device, tuple(tensor.shape[1:]))


def rows(tensor: Any) -> int:
    if not tensor.dim():
        raise NotByRows("the result is one number")
    return int(tensor.shape[0])


def join(tensors: Sequence[Any]) -> Any:
    return torch.cat(tuple(tensors))


def cut(result: Any, counts: Sequence[int]) -> list[Any]:
    if result.requires_grad:
        raise NotByRows("the result is part of a graph of gradients")
    if result.layout is not torch.strided:
        raise NotByRows("the result is a sparse tensor")
    return [piece.clone() for piece in result.split(list(counts))]


def same(cut: Any, alone: Any, *, exact: bool) -> bool:
    if cut.dtype != alone.dtype or cut.shape != alone.shape or cut.device != alone.device:
        return False
    mine, theirs = cut.detach().cpu(), alone.detach().cpu()
    if mine.dtype == torch.bfloat16:  # numpy has none; as exact as float16 for what it is used for
        if exact:
            return bool(torch.equal(mine, theirs))
        return bool(torch.allclose(mine.float(), theirs.float(), rtol=2e-2, equal_nan=True))
    return arrays.same(mine.numpy(), theirs.numpy(), exact=exact)
