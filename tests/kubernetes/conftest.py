"""What cannot be imported where `make test-kubernetes` has not installed it is not collected."""

from __future__ import annotations

import importlib.util

collect_ignore = (
    [] if importlib.util.find_spec("kubernetes_validate") is not None else ["test_manifests.py"]
)
