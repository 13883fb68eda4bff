"""What is known of a model that is served without an entry script: its inputs and its outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

FREE = -1  # a dimension that may be of any size


@dataclass(frozen=True)
class TensorSpec:
    """An input or output. `dtype` is a name of numpy's, or `str`; the first dimension of `shape` is
    that of the rows, mostly FREE.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]


class Tensors(dict[str, Any]):
    """Arrays by name: what a built-in run() may get instead of a body, and then returns."""


@dataclass(frozen=True)
class ModelInterface:
    """A model, as clients see it. The run() of its built-in script takes a body's text, the value
    that its JSON would have, in which arrays may stand for lists, or Tensors.

    The schemas are objects of Swagger, with an `example`; None: run() is under `@input_schema`, and
    takes what that says. `warnings` are what its library had to say when it was loaded.
    """

    name: str
    kind: str
    path: str
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()
    input_schema: dict[str, Any] | None = None
    output_schema: dict[str, Any] | None = None
    warnings: tuple[str, ...] = ()

    def told(self) -> dict[str, Any]:
        """What /health/ready tells of it."""
        return {
            "name": self.name,
            "kind": self.kind,
            "path": self.path,
            "warnings": list(self.warnings),
        }
