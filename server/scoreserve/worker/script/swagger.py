"""The Swagger documents of an entry script, in versions 2, 3 and 3.1.

Schemas come from inference-schema's decorators; a version that one of its types cannot express has
no document. A file in AML_APP_ROOT replaces the document of its version. The documents are equal,
as JSON, to the reference's (azureml-inference-server-http 1.5.1, server/swagger.py).
"""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable
from json import loads  # the script may put another in its place
from typing import Any

from scoreserve.errors import BootError
from scoreserve.settings import Settings
from scoreserve.worker.script.model_interface import ModelInterface
from scoreserve.worker.script.swagger_document import openapi3, swagger2

_log = logging.getLogger("azmlinfsrv.swagger")

Document = Any

# (version, its aliases in inference-schema, the files that replace it)
_VERSIONS = (
    ("2", ("2", "2.0"), ("swagger.json", "swagger2.json")),
    ("3", ("3", "3.0"), ("swagger3.json",)),
    ("3.1", ("3.1",), ("swagger3.1.json",)),
)


def documents(
    run: Callable[..., Any], settings: Settings, model: ModelInterface | None = None
) -> dict[str, Document]:
    """The documents by version, of a script or of the model that a built-in one serves. A version
    whose document cannot be made is left out.

    Raises BootError for a file of the user's that is not JSON, as the reference does.
    """
    prepared: dict[str, Document] = {}
    for version, aliases, files in _VERSIONS:
        document = _of_user(version, files, settings.app_root)
        if document is None:
            try:
                schemas = _schemas(run, aliases, model)
                document = _generated(version, schemas, settings)
            except Exception:  # the code of the schemas' types
                _log.exception("No swagger can be made for version %s", version)
        if document is not None:
            prepared[version] = document
    _log_versions(list(prepared))
    return prepared


def versions_of_user(settings: Settings) -> list[str]:
    """The versions whose document the user wrote."""
    root = settings.app_root
    return [
        version
        for version, _, files in _VERSIONS
        if any(os.path.isfile(os.path.join(root, name)) for name in files)
    ]


def _of_user(version: str, files: tuple[str, ...], root: str) -> Document | None:
    for name in files:
        path = os.path.join(root, name)
        try:
            with open(path, encoding="utf-8") as file:
                document = loads(file.read())
        except FileNotFoundError:
            continue
        except ValueError as error:
            raise BootError(f"{path} is not valid JSON: {type(error).__name__}: {error}") from None
        _log.info("Loaded user's swagger file for version [%s] from %s", version, path)
        if document:
            return document  # whatever it is: the reference does not look at it either
    return None


def _generated(
    version: str, schemas: tuple[Any, Any] | None, settings: Settings
) -> Document | None:
    if schemas is None:
        return None
    make = swagger2 if version == "2" else openapi3
    prefix = settings.service_path_prefix.strip("/")
    document = make(
        settings.service_name,
        settings.service_version,
        f"/{prefix}" if settings.service_path_prefix else "",
        *schemas,
    )
    if version == "3.1":
        document["openapi"] = "3.1.0"
    return document


def _schemas(
    run: Callable[..., Any], aliases: tuple[str, ...], model: ModelInterface | None
) -> tuple[Any, Any] | None:
    """Input and output schema, or None where they cannot be said in this version."""
    if model is not None and model.input_schema is not None:
        return model.input_schema, model.output_schema or {}
    schema_util = sys.modules.get("inference_schema.schema_util")
    if schema_util is None or not schema_util.is_schema_decorated(run):
        anything = {"type": "object", "example": {}}
        return anything, anything
    if not set(aliases) & set(schema_util.get_supported_versions(run)):
        return None
    return schema_util.get_input_schema(run), schema_util.get_output_schema(run)


def _log_versions(prepared: list[str]) -> None:
    skipped = [version for version, _, _ in _VERSIONS if version not in prepared]
    names = ", ".join(prepared)
    if prepared and skipped:
        _log.info(
            "Swaggers are prepared for versions [%s] and skipped for versions [%s].",
            names,
            ", ".join(skipped),
        )
    elif prepared:
        _log.info("Swaggers are prepared for the following versions: [%s].", names)
    else:
        _log.info("No swagger is prepared.")
