"""onnxruntime sessions: how one is made, and what its graph says of inputs and outputs."""

from __future__ import annotations

import os
from typing import Any

from scoreserve.cgroup import available_cpus
from scoreserve.errors import BootError
from scoreserve.model_files import refused
from scoreserve.settings import Settings
from scoreserve.worker.script.model_interface import FREE, TensorSpec

# The element types of ONNX that numpy has, by their names in onnxruntime.
_DTYPES = {
    "tensor(float)": "float32",
    "tensor(double)": "float64",
    "tensor(float16)": "float16",
    "tensor(bool)": "bool",
    "tensor(string)": "str",
    **{
        f"tensor({sign}int{bits})": f"{sign}int{bits}"
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    },
}
_FATAL = 4  # what is less severe is raised as well
_CUDA, _CPU = "CUDAExecutionProvider", "CPUExecutionProvider"


def session(runtime: Any, path: str, settings: Settings) -> Any:
    """A session of this file, in threads of the compute budget. Raises BootError, or what
    onnxruntime raises.
    """
    options = runtime.SessionOptions()
    threads = _threads()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.execution_mode = runtime.ExecutionMode.ORT_SEQUENTIAL
    options.log_severity_level = _FATAL
    if settings.workers * max(threads, 1) > available_cpus():
        # Threads that spin while they wait would take the CPU from those that work.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return runtime.InferenceSession(path, options, providers=_providers(runtime, settings))


def _threads() -> int:
    """Of one session; 0: as many as onnxruntime likes."""
    number = os.environ.get("OMP_NUM_THREADS", "").partition(",")[0].strip()
    return int(number) if number.isdecimal() else 0


def _providers(runtime: Any, settings: Settings) -> list[str]:
    available = runtime.get_available_providers()
    if not settings.onnx_providers:
        return [name for name in (_CUDA, _CPU) if name in available]
    wanted = [name.strip() for name in settings.onnx_providers.split(",") if name.strip()]
    missing = [name for name in wanted if name not in available]
    if missing:
        raise BootError(
            f"SCORESERVE_ONNX_PROVIDERS: this onnxruntime has no {', '.join(missing)}; it has"
            f" {', '.join(available)}."
        )
    return wanted


def input_spec(node: Any, path: str) -> TensorSpec:
    """Raises BootError for an input that JSON or numpy has no form of."""
    dtype = _DTYPES.get(node.type)
    if dtype is None:
        raise refused(
            f"The model has an input {node.name} of type {node.type}, and only tensors of numbers,"
            " bools or strings are served without an entry script",
            path,
            "Write an entry script, and name it with --entry-script.",
        )
    return TensorSpec(node.name, dtype, _shape(node))


def output_spec(node: Any) -> TensorSpec:
    """An output that is no tensor of numpy's is JSON, and as a tensor a text."""
    return TensorSpec(node.name, _DTYPES.get(node.type, "str"), _shape(node) or (FREE,))


def _shape(node: Any) -> tuple[int, ...]:
    """A dimension that has a name, or nothing, is free."""
    shape = node.shape or ()
    return tuple(size if isinstance(size, int) and size >= 0 else FREE for size in shape)
