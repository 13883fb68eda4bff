"""How many threads the numeric libraries of one scoring worker start, told to them by environment.

Left to themselves they start one a CPU of the host in every worker, whatever the container may
use; then they mostly wait for each other. So the CPUs that the container may use are shared out
between the workers. It must be in the environment before a worker starts: the libraries read it
when they are loaded.

A variable that the user has set stays. Where that is OMP_NUM_THREADS, those that follow it are left
unset: ours would take precedence over it.

Not set: TOKENIZERS_PARALLELISM, which only switches threads on or off (RAYON_NUM_THREADS bounds
them), and CPU affinity, which would tie workers to CPUs that other containers may be busy on.
"""

from __future__ import annotations

from collections.abc import Mapping

_OPENMP = "OMP_NUM_THREADS"  # PyTorch, scikit-learn, LightGBM, XGBoost
_FOLLOW_OPENMP = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_OTHERS = (
    "VECLIB_MAXIMUM_THREADS",  # numpy on macOS
    "RAYON_NUM_THREADS",  # tokenizers and other libraries in Rust
    "ORT_INTRA_OP_NUM_THREADS",  # onnxruntime, in releases since mid 2026
)
VARIABLES = (_OPENMP, *_FOLLOW_OPENMP, *_OTHERS)


def thread_limits(cpus: int, workers: int, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables to add to `environ`, so that `workers` processes share `cpus`."""
    threads = str(max(1, cpus // workers))
    ours = _OTHERS if _OPENMP in environ else VARIABLES
    return {name: threads for name in ours if name not in environ}
