"""PyTorch: modules of its own layers, torchvision's classifiers, and what is refused."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402

from scoreserve.worker.model.join import key_of  # noqa: E402
from scoreserve.worker.model.libraries.torch_modules import LIBRARY  # noqa: E402
from tests.worker.model.libraries.meetings import assert_meets, in_parts, refusal  # noqa: E402

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True, params=["no_grad", "inference_mode"])
def without_gradients(request: pytest.FixtureRequest) -> Iterator[None]:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    with getattr(torch, request.param)():
        yield


def attention() -> Any:
    return nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)


MODELS: dict[str, tuple[Any, tuple[int, ...]]] = {
    "linear": (lambda: nn.Linear(8, 3), (8,)),
    "sequences": (lambda: nn.Linear(8, 3), (5, 8)),
    "perceptron": (
        lambda: nn.Sequential(
            nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(inplace=True), nn.Dropout(),
            nn.LayerNorm(16), nn.Linear(16, 3), nn.Softmax(dim=1),
        ),
        (8,),
    ),
    "images": (
        lambda: nn.Sequential(
            nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.GroupNorm(2, 4),
            nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2), nn.LogSoftmax(-1),
        ),
        (3, 12, 12),
    ),
    "signals": (
        lambda: nn.Sequential(nn.Conv1d(2, 4, 3), nn.InstanceNorm1d(4), nn.Flatten()), (2, 9)
    ),
    "attention": (lambda: nn.TransformerEncoder(attention(), 2), (5, 8)),
}  # fmt: skip


@pytest.mark.parametrize("name", MODELS)
def test_a_module_goes_by_rows(name: str) -> None:
    make, shape = MODELS[name]
    assert_meets(LIBRARY, make().eval(), "__call__", in_parts(torch.randn(60, *shape)))


def test_words() -> None:
    layers = nn.Embedding(20, 4), nn.Flatten(), nn.Linear(24, 2)
    words = torch.randint(20, (60, 6))
    assert_meets(LIBRARY, nn.Sequential(*layers).eval(), "__call__", in_parts(words))


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "vit_b_16", "swin_t"])
def test_torchvisions_classifiers(name: str) -> None:
    try:
        import torchvision
    except (ImportError, RuntimeError):  # one that was built for another torch raises that
        pytest.skip("no torchvision for this torch")
    model = getattr(torchvision.models, name)(weights=None).eval()
    images = torch.randn(4, 3, 224, 224)
    assert_meets(LIBRARY, model, "__call__", [images[:1], images[1:3], images[3:]])


class Own(nn.Module):  # type: ignore[misc]
    def forward(self, rows: Any) -> Any:
        return rows - rows.mean(dim=0)


def hooked() -> Any:
    model = nn.Linear(8, 3)
    model.register_forward_hook(lambda *_: None)
    return model


REFUSED: dict[str, tuple[Any, str]] = {
    "training": (lambda: nn.Linear(8, 3).train(), "training mode"),
    "part in training": (lambda: nn.Sequential(nn.Dropout().train()), "training mode"),
    "own": (Own, "script's own"),
    "own part": (lambda: nn.Sequential(nn.Linear(8, 8), Own()), "script's own"),
    "hook": (hooked, "hooks"),
    "softmax over rows": (lambda: nn.Sequential(nn.Linear(8, 3), nn.Softmax(0)), "over the rows"),
    "softmax of no dimension": (nn.Softmax, "over the rows"),
    "flat": (lambda: nn.Flatten(0), "together"),
    "recurrent": (lambda: nn.LSTM(8, 3, batch_first=True), "not known"),
    "time first": (lambda: nn.TransformerEncoderLayer(8, 2, 16), "rows second"),
    "statistics": (lambda: nn.BatchNorm1d(8, track_running_stats=False), "statistics"),
    "in place": (lambda: nn.Sequential(nn.ReLU(inplace=True), nn.Linear(8, 3)), "writes"),
    "loss": (nn.MSELoss, "not known"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_go_by_rows(name: str) -> None:
    make, reason = REFUSED[name]
    model = make()
    if "training" not in name:
        model.eval()
    elif name == "part in training":
        model.training = False
    assert reason in LIBRARY.refusal_of_model(model, "__call__")


def test_calls_that_do_not() -> None:
    model = nn.Linear(8, 3).eval()
    rows = torch.randn(2, 8)
    assert "one tensor" in refusal(LIBRARY, model, "__call__", rows, rows)
    assert "one tensor" in refusal(LIBRARY, model, "__call__", input=rows)
    assert "dimensions" in refusal(LIBRARY, model, "__call__", rows[0])
    image = torch.randn(3, 12, 12)
    assert "dimensions" in refusal(LIBRARY, nn.Conv2d(3, 4, 3).eval(), "__call__", image)
    scripted = torch.jit.trace(model, rows)
    assert refusal(LIBRARY, scripted, "__call__", rows)
    with torch.inference_mode(False), torch.enable_grad():
        assert "no_grad" in refusal(LIBRARY, model, "__call__", rows)
        assert key_of(torch.ones(2, requires_grad=True)) is None
