"""The GPU image: what it says it found, its libraries, and scoring with and without a GPU."""

from __future__ import annotations

import glob
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.images import podman
from tests.images.conftest import GPU, Run
from tests.images.podman import run_once
from tests.images.test_examples import EXAMPLES

pytestmark = pytest.mark.images

needs_gpu = pytest.mark.skipif(
    not glob.glob("/dev/nvidia[0-9]*"), reason="this machine has no NVIDIA GPU"
)

SITE_PACKAGES = "/opt/scoreserve/env/lib/python3*/site-packages"
CUDA_PROVIDER = f"{SITE_PACKAGES}/onnxruntime/capi/libonnxruntime_providers_cuda.so"
BATCH_COUNTS = ("sh", "-c", f"scoreserve-gpu-report {SITE_PACKAGES}")
A_DEVICE = ("--device", "/dev/null:/dev/nvidia0")
ALL_GPUS = ("--device", "nvidia.com/gpu=all")

# As much of the driver's library as the report asks, and the one name that the provider links to.
DRIVER = """
#include <string.h>
int cuInit(unsigned flags) { return FAILURE; }
int cuGetErrorString(int error, const char **text) { *text = "no such device"; return 0; }
int cuDriverGetVersion(int *version) { *version = VERSION; return 0; }
int cuDeviceGetCount(int *count) { *count = 2; return 0; }
int cuDeviceGet(int *device, int number) { *device = number; return 0; }
int cuDeviceGetName(char *name, int length, int device) {
    strncpy(name, "Test GPU", length);
    return 0;
}
int cuTensorMapEncodeTiled(void) { return 1; }
"""


def driver(directory: Path, *, version: int = 99000, failure: int = 0) -> tuple[str, ...]:
    """The options that give a container a device and a driver's library made for the test."""
    library = directory / "libcuda.so.1"
    source = directory / "driver.c"
    source.write_text(DRIVER)
    defines = (f"-DVERSION={version}", f"-DFAILURE={failure}")
    subprocess.run(["cc", "-shared", "-fPIC", *defines, "-o", library, source], check=True)
    return (*A_DEVICE, "--volume", f"{library}:/usr/lib/libcuda.so.1:ro")


class TestReport:
    def test_without_a_device(self) -> None:
        said = run_once(GPU, *BATCH_COUNTS)
        assert said.startswith("WARNING: no GPU to score on: no /dev/nvidia* here")
        assert said.endswith("Scoring on the CPU.")

    def test_without_a_driver(self) -> None:
        said = run_once(GPU, *BATCH_COUNTS, options=A_DEVICE)
        assert "the NVIDIA driver's library cannot be loaded (libcuda.so.1" in said

    @pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
    @pytest.mark.parametrize(
        ("version", "failure", "said"),
        [
            (99010, 0, "GPU found: Test GPU, Test GPU (driver for CUDA 99.1), and onnxruntime's"),
            (11080, 0, "the host's NVIDIA driver runs CUDA up to 11.8. Scoring on the CPU."),
            (99010, 100, "the NVIDIA driver says: no such device. Scoring on the CPU."),
        ],
    )
    def test_with_a_driver(self, tmp_path: Path, version: int, failure: int, said: str) -> None:
        options = driver(tmp_path, version=version, failure=failure)
        assert said in run_once(GPU, *BATCH_COUNTS, options=options)

    @pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
    def test_with_a_library_missing(self, tmp_path: Path) -> None:
        without = "rm /etc/ld.so.cache /etc/ld.so.conf.d/scoreserve-cuda.conf"
        command = ("sh", "-c", f"{without} && scoreserve-gpu-report {SITE_PACKAGES}")
        options = ("--user", "0", *driver(tmp_path))
        said = run_once(GPU, *command, options=options)
        assert "CUDAExecutionProvider cannot be loaded (libcublasLt.so" in said


class TestWithoutAGpu:
    def test_scores_on_the_cpu_and_says_so(self, run: Run, command: tuple[str, ...]) -> None:
        files = {"score.py": (EXAMPLES / "copy" / "score.py").read_text()}
        model = EXAMPLES / "copy" / "model"
        with run(
            GPU,
            *command,
            files=files,
            env={"AZUREML_MODEL_DIR": "/model"},
            options=("--volume", f"{model}:/model:ro"),
        ) as container:
            container.wait_healthy()
            assert "WARNING: no GPU to score on" in container.logs
            assert container.score('{"data": [[1, 2]]}').json() == [8.5]

    def test_the_cuda_libraries_are_found(self) -> None:
        """All but the driver's, which comes from the host; with no help from LD_LIBRARY_PATH."""
        linked = run_once(GPU, "sh", "-c", f"env -u LD_LIBRARY_PATH ldd {CUDA_PROVIDER}")
        missing = [line.split()[0] for line in linked.splitlines() if "not found" in line]
        assert missing == ["libcuda.so.1"]
        known = run_once(GPU, "ldconfig", "-p")
        for library in ("libcudart", "libcublas", "libcudnn", "libcufft", "libcurand", "libnvrtc"):
            assert f"{library}.so" in known

    def test_containers_are_given_gpus_and_what_computes(self) -> None:
        env = run_once(GPU, "env").splitlines()
        assert "NVIDIA_VISIBLE_DEVICES=all" in env
        assert "NVIDIA_DRIVER_CAPABILITIES=compute,utility" in env


@needs_gpu
class TestWithAGpu:
    """Needs the NVIDIA container toolkit too, and its CDI specification for podman."""

    def test_is_found(self) -> None:
        assert run_once(GPU, *BATCH_COUNTS, options=ALL_GPUS).startswith("GPU found: ")

    def test_onnxruntime_scores_on_it(self, tmp_path: Path) -> None:
        code = (
            "import onnxruntime as o;"
            "s = o.InferenceSession('/model/linear.onnx', providers=['CUDAExecutionProvider']);"
            "print(s.get_providers()[0], s.run(None, {'x': [[1, 2]]}))"
        )
        options = (*ALL_GPUS, "--volume", f"{EXAMPLES / 'copy' / 'model'}:/model:ro")
        said = podman.run_once(GPU, "python", "-c", code, options=options)
        assert "CUDAExecutionProvider" in said
        assert "8.5" in said
