"""How many threads the numeric libraries of one scoring worker start, told to them by environment.

Left to themselves they start one a CPU of the host in every worker, whatever the container may
use; then they mostly wait for each other. So the CPUs that the container may use are shared out
between the workers. It must be in the environment before a worker starts: the libraries read it
when they are loaded.

A variable that the user has set stays. OMP_NUM_THREADS is read by all of them that have no variable
of their own set, so where the user has set that one, nothing is added.

Not set: TOKENIZERS_PARALLELISM, which only switches threads on or off (RAYON_NUM_THREADS bounds
them), and CPU affinity, which would tie workers to CPUs that other containers may be busy on.
"""

from __future__ import annotations

from collections.abc import Mapping

VARIABLES = (
    "OMP_NUM_THREADS",  # OpenMP: PyTorch, scikit-learn, LightGBM, XGBoost
    "OPENBLAS_NUM_THREADS",  # numpy and scipy from PyPI
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",  # numpy on macOS
    "RAYON_NUM_THREADS",  # tokenizers and other libraries in Rust
    "ORT_INTRA_OP_NUM_THREADS",  # onnxruntime, as of mid 2026; it does not read OMP_NUM_THREADS
)


def thread_limits(cpus: int, workers: int, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables to add to `environ`, so that `workers` processes share `cpus`."""
    if "OMP_NUM_THREADS" in environ:
        return {}
    threads = str(max(1, cpus // workers))
    return {name: threads for name in VARIABLES if name not in environ}
