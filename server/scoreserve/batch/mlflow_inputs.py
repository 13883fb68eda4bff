"""Files as an MLflow model takes them, as Azure's batch endpoints read them where a model has no
script: by the ending of their names, and with the types of the model's signature.

    .csv .parquet .pqt                  a DataFrame, with the types of the signature's columns
    .png .jpg .jpeg .tiff .bmp .gif     an array, in the type and shape of the signature's tensor

The rules are those of Azure's docs, "Deploy MLflow models in batch deployments".
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.util import find_spec
from typing import Any

from scoreserve.batch.inputs import InputFile
from scoreserve.batch.tables import require_packages
from scoreserve.batch.work import Form, UnusableInput

_CSV = ".csv"
_TABLES = frozenset({_CSV, ".parquet", ".pqt"})
_IMAGES = frozenset({".png", ".jpg", ".jpeg", ".tiff", ".bmp", ".gif"})
_MODES = {1: "L", 3: "RGB", 4: "RGBA"}  # Pillow's, by the number of channels
_FEWEST_DIMENSIONS = 3  # of a tensor whose last one may be of channels


def require_readable(files: Iterable[InputFile]) -> None:
    """Raises UnusableInput for a file of another kind: Azure's jobs end with such a one, too."""
    for file in files:
        ending = _ending(file.path)
        if ending in _TABLES:
            require_packages(Form.CSV if ending == _CSV else Form.PARQUET)
        if ending in _IMAGES and find_spec("PIL") is None:
            raise UnusableInput(f"{file.path}: images need the package pillow: pip install pillow")
        if ending not in _TABLES | _IMAGES:
            kinds = ", ".join(sorted(_TABLES | _IMAGES))
            raise UnusableInput(
                f"Error processing input file: '{file.path}'. File type '{ending[1:]}' is not"
                f" supported. An MLflow model without a script takes {kinds}. Leave this file out,"
                " or write a script with a run(mini_batch)."
            )


def is_table(path: str) -> bool:
    """Whether it is read as one, by its name."""
    return _ending(path) in _TABLES


class InputReader:
    """Reads what a model takes. `schema` is that of the inputs in its signature, if it has one.

    What does not fit the signature raises ValueError or TypeError, in pandas' or numpy's words.
    """

    def __init__(self, schema: Any) -> None:
        self._columns = {} if schema is None or schema.is_tensor_spec() else _types_of(schema)
        self._tensors = (
            list(schema.inputs) if schema is not None and schema.is_tensor_spec() else []
        )

    def table(self, path: str) -> Any:
        """The whole file."""
        import pandas

        if _ending(path) != _CSV:
            return pandas.read_parquet(path)
        return pandas.read_csv(path, dtype=self.texts or None)

    @property
    def texts(self) -> dict[str, type]:
        """The columns that are read as they are written: 007 is no number there."""
        return {
            name: str
            for name, dtype in self._columns.items()
            if dtype is object and isinstance(name, str)
        }

    def typed(self, frame: Any) -> Any:
        """The rows with the signature's types; as arrays where it is one of tensors. What columns
        lack is left to MLflow to tell.
        """
        if self._tensors:
            return self._as_tensors(frame)
        named = {**dict(enumerate(frame.columns)), **{name: name for name in frame.columns}}
        types = {
            named[name]: dtype
            for name, dtype in self._columns.items()
            if dtype is not object and name in named
        }
        return frame.astype(types)

    def image(self, path: str) -> Any:
        """The picture as numbers: height, width and channels, or in the signature's shape."""
        import numpy
        from PIL import Image

        spec = self._tensors[0] if self._tensors else None
        shape = () if spec is None else tuple(spec.shape)
        channels = shape[-1] if len(shape) >= _FEWEST_DIMENSIONS else 0
        mode = _MODES.get(channels)
        with Image.open(path) as image:
            array = numpy.asarray(image.convert(mode) if mode else image)
        if channels == 1:
            array = array[..., None]
        return array if spec is None else _shaped(array.astype(spec.type), shape)

    def _as_tensors(self, frame: Any) -> Any:
        if self._tensors[0].name is None:
            (spec,) = self._tensors
            return _shaped(frame.to_numpy(dtype=spec.type), tuple(spec.shape))
        return {
            spec.name: _shaped(frame[spec.name].to_numpy(dtype=spec.type), tuple(spec.shape))
            for spec in self._tensors
        }


def _shaped(array: Any, shape: tuple[int, ...]) -> Any:
    """The array in this shape, of which -1 is any length; with one more dimension before, where
    that is all it lacks. Raises ValueError.
    """
    if len(shape) == array.ndim and all(
        wanted in (-1, length) for wanted, length in zip(shape, array.shape, strict=True)
    ):
        return array
    if shape.count(-1) > 1:
        return array[None]
    return array.reshape(shape)


def _types_of(schema: Any) -> dict[str | int, Any]:
    """The types of the columns, by name, or by place where they have none; for those of which
    pandas knows no type of their own, object.
    """
    return {
        name: spec.type.to_pandas() if hasattr(spec.type, "to_pandas") else object
        for name, spec in zip(schema.input_names(), schema.inputs, strict=True)
    }


def _ending(path: str) -> str:
    return os.path.splitext(path)[1].lower()
