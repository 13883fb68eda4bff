"""Whose code calls a known method: whether another call of run() may go through it meanwhile.

A call waits within the method, and so within all that led there. The script's own code is looked
through beforehand, and a library's function may keep what it works on in an attribute of a shared
object until it has the prediction: shap's KernelExplainer does, and forecasters that predict step
by step do. So a call waits only beneath the script's code, Python's, and that of libraries that are
known to keep nothing of a call in their objects.
"""

from __future__ import annotations

import re
import sys
from types import CodeType, FrameType
from typing import Final

# scikit-learn: "predict, transform … should not change the estimator" is what its developers' guide
# asks and its own check_estimator tests (check_dict_unchanged); so for those that follow it.
_KEEP_NOTHING: Final = frozenset(
    {
        *("sklearn", "imblearn", "xgboost", "lightgbm", "catboost", "onnxruntime", "mlflow"),
        *("keras", "tf_keras", "tensorflow", "torch", "torchvision"),
        *("numpy", "scipy", "pandas", "polars", "joblib"),
        *("cachetools", "toolz", "backoff", "beartype", "typeguard"),
        *("inference_schema", "wrapt", "decorator", "flask", "werkzeug", "pydantic", "scoreserve"),
        *("opencensus", "opentelemetry", "ddtrace", "sentry_sdk", "prometheus_client"),
    }
)
_INSTALLED: Final = re.compile(r".*[/\\](?:site|dist)-packages[/\\]([^/\\]+)", re.DOTALL)
_refused: Final[dict[str, str]] = {}  # by file
_OURS: Final = 2  # frames at least, of which this is the first


def refusal(run: CodeType | None) -> str:
    """Why the present call of a known method must not wait, or "". It is called within `run`: what
    has called that is not looked at, nor who calls this, which is one of ours.
    """
    try:
        frame: FrameType | None = sys._getframe(_OURS)  # noqa: SLF001 - the only way to it
    except ValueError:  # there is none
        return ""
    while frame is not None:
        code = frame.f_code
        if code is run:
            return ""
        file = code.co_filename
        reason = _refused.get(file)
        if reason is None:
            reason = _refused[file] = _refusal_of(file)
        if reason:
            return reason
        frame = frame.f_back
    return ""


def _refusal_of(file: str) -> str:
    installed = _INSTALLED.match(file)
    if installed is None:
        return ""
    package = installed[1].partition(".")[0]
    if package in _KEEP_NOTHING:
        return ""
    return f"{package} calls it, which may keep something of each call"
