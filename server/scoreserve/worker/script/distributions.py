"""Under which name pip knows what a script imports, and which versions are installed."""

from __future__ import annotations

import importlib.metadata
import sys

# Of modules whose distribution has another name, from the packages that models and their scripts
# are made of. A module that is not here is taken to be called as its distribution is.
_DISTRIBUTIONS = {
    "PIL": "pillow",
    "azure.ai.ml": "azure-ai-ml",
    "azure.identity": "azure-identity",
    "azure.keyvault.secrets": "azure-keyvault-secrets",
    "azure.storage.blob": "azure-storage-blob",
    "azureml": "azureml-core",
    "bs4": "beautifulsoup4",
    "cv2": "opencv-python-headless",
    "dateutil": "python-dateutil",
    "dotenv": "python-dotenv",
    "faiss": "faiss-cpu",
    "fitz": "pymupdf",
    "google.protobuf": "protobuf",
    "jwt": "pyjwt",
    "Levenshtein": "python-Levenshtein",
    "llama_cpp": "llama-cpp-python",
    "MySQLdb": "mysqlclient",
    "psycopg2": "psycopg2-binary",
    "skimage": "scikit-image",
    "sklearn": "scikit-learn",
    "sklearnex": "scikit-learn-intelex",
    "skopt": "scikit-optimize",
    "snowflake.connector": "snowflake-connector-python",
    "umap": "umap-learn",
    "yaml": "pyyaml",
}

# Below these each distribution has a part: azure.storage.queue is of azure-storage-queue.
_SHARED = frozenset({"azure", "google"})

# Which pickles of models depend on: told where one cannot be read.
_PICKLED = (
    *("scikit-learn", "numpy", "scipy", "pandas", "joblib", "xgboost", "lightgbm", "catboost"),
    *("torch", "tensorflow", "keras", "cloudpickle"),
)


def distribution_of(module: str) -> str:
    """The name to install a module by, given the name that was imported."""
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        found = _DISTRIBUTIONS.get(".".join(parts[:length]))
        if found is not None:
            return found
    return "-".join(parts) if parts[0] in _SHARED else parts[0]


def is_stdlib(module: str) -> bool:
    return module.partition(".")[0] in sys.stdlib_module_names


def version_of(distribution: str) -> str:
    """The installed version; "": it is not installed."""
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return ""


def installed_model_libraries() -> str:
    """`scikit-learn 1.7.2, numpy 2.3.1`: of what models are made of, what is there."""
    versions = ((name, version_of(name)) for name in _PICKLED)
    return ", ".join(f"{name} {version}" for name, version in versions if version)
