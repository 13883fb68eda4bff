"""Which of PyTorch's modules go by rows, and how they must have been made for it."""

from __future__ import annotations

from typing import Any

_ITEMS = """
CELU ELU GELU Hardshrink Hardsigmoid Hardswish Hardtanh LeakyReLU LogSigmoid Mish ReLU ReLU6 SELU
SiLU Sigmoid Softplus Softshrink Softsign Tanh Tanhshrink Threshold Identity
Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout
"""
_LAYERS = """
Linear Embedding BatchNorm1d BatchNorm2d BatchNorm3d Conv1d Conv2d Conv3d ConvTranspose1d
ConvTranspose2d ConvTranspose3d GroupNorm LayerNorm RMSNorm InstanceNorm1d InstanceNorm2d
InstanceNorm3d
"""
_OF_ROWS = """
AdaptiveAvgPool1d AdaptiveAvgPool2d AdaptiveAvgPool3d AdaptiveMaxPool1d AdaptiveMaxPool2d
AdaptiveMaxPool3d AvgPool1d AvgPool2d AvgPool3d MaxPool1d MaxPool2d MaxPool3d
PReLU PixelShuffle PixelUnshuffle Upsample UpsamplingBilinear2d UpsamplingNearest2d ZeroPad2d
ConstantPad1d ConstantPad2d ReflectionPad1d ReflectionPad2d ReplicationPad1d ReplicationPad2d
Softmax2d ChannelShuffle
"""
_BY_DIMENSION = frozenset({"Softmax", "LogSoftmax", "Softmin", "GLU"})  # which must not be the rows
_ATTENTION = frozenset({"TransformerEncoder", "TransformerEncoderLayer"})
# Parts of those above, asked by them alone.
_INNER = frozenset({"MultiheadAttention", "NonDynamicallyQuantizableLinear"})

_BY_ROWS = frozenset(f"{_ITEMS} {_LAYERS} {_OF_ROWS} Sequential Flatten Unflatten".split())
MAKE_THEIR_OWN = frozenset(_LAYERS.split())

# What is not here is refused: recurrent layers too, which give their states with the rows second.
# Lists of layers, which their owner calls: no module of PyTorch's own but those of torchvision's.
_COLLECTIONS = frozenset({"ModuleList", "ModuleDict"})

_KNOWN = _BY_ROWS | _BY_DIMENSION | _ATTENTION | _INNER | _COLLECTIONS


def refusal(part: Any, name: str) -> str:
    """Why a module of PyTorch's own does not go by rows; empty when it does."""
    if name not in _KNOWN:
        return f"{name} is not known to go by rows"
    reason = ""
    if name in _BY_DIMENSION and part.dim not in (1, 2, 3, -1):
        # None is the first dimension for some shapes; a negative one counts from the last.
        reason = f"{name}({part.dim}) may be over the rows"
    elif name == "Flatten" and part.start_dim < 1:
        reason = "Flatten puts rows together"
    elif name == "Unflatten" and not (type(part.dim) is int and part.dim >= 1):
        reason = "Unflatten takes rows apart"
    elif name == "Embedding" and part.max_norm is not None:
        reason = "Embedding(max_norm) changes with each row"
    elif name == "MultiheadAttention" and not part.batch_first:
        reason = f"{name} has its rows second"
    elif name.startswith("BatchNorm") and part.running_mean is None:
        reason = f"{name} takes its statistics from the rows"
    return reason


def is_torchvisions(part: Any) -> bool:
    """Classifiers, and what they are made of. Detectors take lists, and find what they find."""
    module = type(part).__module__
    return module.startswith("torchvision.models.") and not module.startswith(
        ("torchvision.models.detection", "torchvision.models.optical_flow")
    )


def least_dimensions(model: Any) -> int:
    """How many dimensions a batch for it has at least: with one fewer it would be one row.

    Told by the first layer that says so; rows of single numbers are of one. An embedding before it
    makes a dimension more.
    """
    embedded = 0
    for part in model.modules():
        name = type(part).__name__
        if name == "Embedding":
            embedded = 1
        wanted = _dimensions_for(name)
        if wanted:
            return wanted - embedded
    return 1


def _dimensions_for(name: str) -> int:
    if name in ("BatchNorm1d", "Linear", "LayerNorm", "RMSNorm", "GroupNorm", "Flatten"):
        return 2
    if name in _BY_DIMENSION or name == "PReLU":
        return 2
    if name in _ATTENTION:
        return 3
    if name.endswith(("1d", "2d", "3d")) and not name.startswith("Dropout"):
        return 2 + int(name[-2])
    return 4 if name in ("PixelShuffle", "PixelUnshuffle", "ChannelShuffle", "Upsample") else 0
