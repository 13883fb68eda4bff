"""One thread for numeric libraries in a template, and their own number in each worker."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys

import pytest

from scoreserve.compute_budget import VARIABLES
from scoreserve.worker.template import threads

# What numpy and scikit-learn load, OpenBLAS and libgomp, in a process of its own that has neither.
COUNTS = """
import json
from scoreserve.worker.template import threads
before = threads.limit_to_one()
import numpy, scipy.linalg, sklearn.ensemble
from threadpoolctl import threadpool_info
counts = lambda: sorted({(one["user_api"], one["num_threads"]) for one in threadpool_info()})
limited = counts()
threads.restore(before)
print(json.dumps([limited, counts()]))
"""


def test_variables_are_as_before_in_the_end(clean_environ: None) -> None:
    os.environ["OMP_NUM_THREADS"] = "1,2"
    for name in VARIABLES[1:]:
        os.environ.pop(name, None)
    before = threads.limit_to_one()
    assert {os.environ[name] for name in VARIABLES} == {"1"}
    threads.restore(before)
    assert os.environ["OMP_NUM_THREADS"] == "1,2"
    assert not set(VARIABLES[1:]) & set(os.environ)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells which libraries are loaded")
@pytest.mark.skipif(not importlib.util.find_spec("threadpoolctl"), reason="scikit-learn is missing")
def test_libraries_that_are_loaded_get_their_number(clean_environ: None) -> None:
    environ = {**os.environ, "OMP_NUM_THREADS": "3"}
    done = subprocess.run(
        [sys.executable, "-c", COUNTS], env=environ, stdout=subprocess.PIPE, check=True, timeout=120
    )
    limited, restored = json.loads(done.stdout)
    assert limited == [["blas", 1], ["openmp", 1]]
    assert restored == [["blas", 3], ["openmp", 3]]
