"""The OpenAPI document as the page at /docs shows it: /swagger.json's, told for people.

/swagger.json is equal to the reference's, which says of every service that it is called "ML
service", needs an API key and takes `{}`. Here stand the service's own name, a key only where one
is needed, and sample requests: the schema's, or those in files beside the model or the script.

A document that the user wrote is shown as it is.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from scoreserve.front.workers.worker_process import Script

Document = dict[str, Any]

_ANYTHING = {"type": "object", "example": {}}  # the schema of a script that declares none
_VERSIONS = ("3", "3.1", "2")  # the first there is
_UNNAMED = "ML service"  # what the reference calls every service that has no SERVICE_NAME

_ABOUT = "The body of `POST /score` is handed to `run()`, whose result is the answer."
_ABOUT_KEY = "One of the server's API keys (`SCORESERVE_API_KEYS`)."
_NO_SAMPLE = (
    "The script declares no schema, and there is no sample request. Write the body that `run()`"
    " expects. A file `sample_request.json` beside the script or the model is shown here, as is the"
    " sample of `@input_schema`."
)


class Service(NamedTuple):
    """What the page is to say of the service: the name that settings give it, its script's name,
    what stands before the paths in its documents, and whether it needs an API key.
    """

    name: str
    script: str
    path_prefix: str
    needs_key: bool

    @property
    def title(self) -> str:
        """What to call it."""
        return self.script or self.name if self.name == _UNNAMED else self.name


def page_document(script: Script, service: Service) -> Any:
    """The document that the page shows, or None where the script has none."""
    for version in _VERSIONS:
        if version in script.own_swagger:
            return script.swagger[version]
    found = next((version for version in _VERSIONS if version in script.swagger), None)
    if found is None:
        return None
    document = copy.deepcopy(script.swagger[found])
    document["info"] |= {"title": service.title, "description": _ABOUT}
    document["paths"] = _paths(document["paths"], service.path_prefix)
    for path, operation in _operations(document):
        operation["tags"] = ["Scoring" if path == "/score" else "The service itself"]
    if "swagger" in document:
        _secure(document, "securityDefinitions", document, service)
        del document["schemes"]  # that of the page
    else:
        _secure(document, "securitySchemes", document["components"], service)
        if document["components"]["schemas"]["ServiceInput"] == _ANYTHING:
            _show_samples(document["paths"]["/score"]["post"], script.samples)
    return document


def _paths(paths: Document, prefix: str) -> Document:
    """Those without the prefix: the page knows where it stands. The score request comes first."""
    slashed = f"/{prefix.strip('/')}" if prefix else ""
    bare = {path.removeprefix(slashed): item for path, item in paths.items()}
    return {path: bare[path] for path in sorted(bare, key=lambda path: path != "/score")}


def _operations(document: Document) -> Iterator[tuple[str, Document]]:
    for path, item in document["paths"].items():
        for operation in item.values():
            yield path, operation


def _secure(document: Document, name: str, holder: Document, service: Service) -> None:
    """A key is asked for where the server checks one, and nowhere else. `holder` has the schemes,
    under `name`.
    """
    document.pop("security", None)
    for path, operation in _operations(document):
        operation.pop("security", None)
        if service.needs_key and path in {"/score", "/swagger.json"}:
            operation["security"] = [{"Bearer": []}]
    if not service.needs_key:
        del holder[name]
    elif name == "securitySchemes":
        holder[name] = {"Bearer": {"type": "http", "scheme": "bearer", "description": _ABOUT_KEY}}


def _show_samples(post: Document, samples: Mapping[str, Any]) -> None:
    """Shows the samples as bodies, since the script's schema says nothing."""
    post["responses"]["200"] = {"description": "What `run()` returns."}
    if not samples:
        # As JSON, Swagger UI would show "string" for what it knows nothing of.
        empty = {"text/plain": {"schema": {"type": "string"}, "example": ""}}
        post["requestBody"] = {"description": _NO_SAMPLE, "content": empty}
        return
    names = ", ".join(f"`{name}`" for name in samples)
    examples = {name: {"value": value} for name, value in samples.items()}
    post["requestBody"] = {
        "description": f"The script declares no schema. Shown: {names}.",
        "content": {"application/json": {"schema": {}, "examples": examples}},
    }
