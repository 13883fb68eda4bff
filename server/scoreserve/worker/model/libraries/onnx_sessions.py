"""onnxruntime: InferenceSession.run, where the model's own signature has a free first dimension.

By ONNX's specification (https://onnx.ai/onnx/repo-docs/IR.html, "Static tensor shapes") a dimension
that has no size, or the name of a variable, may be of any size, and one variable has one size. All
inputs and outputs must have such a first dimension, of one name if they have names: that is the
batch. An output that is a sequence of maps is a classifier's, "a map for each sample" (ZipMap,
https://onnx.ai/onnx/operators/onnx_aionnxml_ZipMap.html). What does not go by rows:

    dimensions that are fixed, or of several names: an output of as many rows as were detected
    run_options, which are of one run
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

from onnxruntime.capi.onnxruntime_inference_collection import InferenceSession

from scoreserve.worker.model.libraries.library import RowsCall, class_name, methods_of

_ROOT = frozenset({"onnxruntime"})

# What a session says of its model does not change, and takes as long as a small model's run.
_of_sessions: WeakKeyDictionary[Any, str] = WeakKeyDictionary()


class OnnxRuntime:
    name = "onnxruntime"

    def methods(self) -> Iterable[tuple[type, str]]:
        return methods_of([InferenceSession], ("run",), _ROOT)

    def refusal_of_model(self, model: Any, method: str) -> str:
        return refusal_of_model(model, method)

    def refusal_of_call(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> str:
        given = _given(args, kwargs)
        if given.get("run_options") is not None:
            return "run_options are of one run"
        feed = given.get("input_feed")
        if type(feed) is not dict:
            return "its input_feed is no dict"
        return ""

    def rows_argument(
        self, model: Any, method: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> RowsCall:
        given = _given(args, kwargs)
        names = given.get("output_names")
        rest = None if names is None else tuple(names)
        return RowsCall(given["input_feed"], rest, lambda rows: ((names, rows), {}), several=True)

    def exact(self, model: Any, method: str) -> bool:
        return False


LIBRARY = OnnxRuntime()


def refusal_of_model(model: Any, method: str) -> str:
    if type(model) is not InferenceSession:
        return f"{class_name(model)} is no session of onnxruntime's own"
    reason = _of_sessions.get(model)
    if reason is None:
        reason = _of_sessions[model] = _refusal_of_session(model)
    return reason


def _refusal_of_session(session: InferenceSession) -> str:
    names = set()
    for what, ends in (("input", session.get_inputs()), ("output", session.get_outputs())):
        for end in ends:
            if what == "output" and end.type.startswith("seq(map("):
                continue
            if not end.type.startswith("tensor("):
                return f"its {what} {end.name} is a {end.type}"
            size = end.shape[0] if end.shape else 0
            if isinstance(size, int):
                return f"the first dimension of its {what} {end.name} is not free"
            names.add(size)
    names.discard(None)
    if len(names) > 1:
        return f"its first dimensions have several names: {', '.join(sorted(names))}"
    return ""


def _given(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Any]:
    names = ("output_names", "input_feed", "run_options")
    return {**dict(zip(names, args, strict=False)), **kwargs}
