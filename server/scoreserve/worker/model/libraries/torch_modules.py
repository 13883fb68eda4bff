"""PyTorch: calls of modules in eval mode without gradients, if all in them is PyTorch's own.

The documentation of each module gives the shapes it takes: (N, *) for a batch of N. Of a script's
own nn.Module nothing is known but its parts, so it is refused, as are scripted and traced ones.
In `torch_classes.py` stands which go by rows, and where it depends on how they were made: attention
has its rows first only if `batch_first`. What does not go by rows:

    a module that is being trained: dropout, statistics of the batch
    a call whose gradients are recorded: the result is part of a graph
    hooks, which are the script's
    a ReLU(inplace=True) that is the first to see the input: it writes to it
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch.nn.modules import module as hooks

from scoreserve.worker.model.libraries import torch_classes as classes
from scoreserve.worker.model.libraries.library import RowsCall, class_name, first_argument, root_of

_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_PACKAGES = frozenset({"torch", "torchvision"})


class PyTorch:
    name = "PyTorch"

    def methods(self) -> Iterable[tuple[type, str]]:
        return [(torch.nn.Module, "__call__")]

    def refusal_of_model(self, model: Any, method: str) -> str:
        return refusal_of_model(model, method)

    def refusal_of_call(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str:
        if torch.is_grad_enabled():
            return "it is not called under torch.no_grad() or torch.inference_mode()"
        if len(args) != 1 or kwargs or type(args[0]) is not torch.Tensor:
            return "its arguments are not one tensor"
        if torch.jit.is_tracing() or torch.is_autocast_enabled():
            return "it is called under tracing or autocast"
        return _refusal_of_shape(model, args[0])

    def rows_argument(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> RowsCall:
        call = first_argument(args, kwargs, ())
        return call._replace(rest=(torch.is_inference_mode_enabled(), torch.get_default_dtype()))

    def exact(self, model: Any, method: str) -> bool:
        return False


LIBRARY = PyTorch()


def refusal_of_model(model: Any, method: str) -> str:
    if model.training:
        return f"{class_name(model)} is in training mode; eval() is missing"
    if any(getattr(hooks, f"_global{name}", None) for name in _HOOKS):
        return "modules have global hooks"
    of_torchvision = classes.is_torchvisions(model)
    for part in model.modules():
        reason = _refusal_of_part(part, of_torchvision)
        if reason:
            return reason
    return "the first of its layers writes to the input" if _writes_to_input(model) else ""


def _refusal_of_part(part: Any, of_torchvision: bool) -> str:
    name = class_name(part)
    package = root_of(type(part))
    if package not in _PACKAGES:
        return f"{name} is the script's own module, and its forward is not known to go by rows"
    if part.training:
        return f"a {name} in it is in training mode"
    if "forward" in vars(part) or any(getattr(part, hook, None) for hook in _HOOKS):
        return f"a {name} in it has hooks or a forward of its own"
    if package == "torchvision":
        # Its operations alone may be over any dimension; its models know what they do with them.
        return "" if of_torchvision else f"{name} is not known to go by rows"
    return classes.refusal(part, name)


def _refusal_of_shape(model: Any, rows: Any) -> str:
    """A tensor that is one row, or has no first dimension of its own."""
    wanted = classes.least_dimensions(model)
    return "" if rows.dim() >= wanted else f"its input has fewer than {wanted} dimensions"


def _writes_to_input(model: Any) -> bool:
    """Whether something is done in place before a layer has made a tensor of its own."""
    for part in model.modules():
        if getattr(part, "inplace", False):
            return True
        if type(part).__name__ in classes.MAKE_THEIR_OWN:
            return False
    return False
