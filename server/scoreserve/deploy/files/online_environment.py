"""The environment of a deployment.yml, and where its container is asked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from scoreserve.deploy.deployment import CondaFile, Environment, Route, Routes
from scoreserve.deploy.files.documents import Fields
from scoreserve.deploy.files.environment import conda_file, dockerfile_in
from scoreserve.deploy.files.registered import Registered


def environment(fields: Fields, root: Path, registered: Registered) -> tuple[Environment, Routes]:
    """What `environment` says; paths start from `root`. Raises DeploymentError."""
    value = fields.take("environment")
    if value is None:
        return Environment(), Routes()
    if isinstance(value, str):
        return registered.environment(fields, value), Routes()
    if not isinstance(value, Mapping):
        fields.refuse("environment", "must be a name in the workspace, or an object")
    inner = fields.within("environment", value)
    if inner.text("os_type", "linux").lower() != "linux":
        inner.refuse("os_type", "only Linux is served")
    image, conda, build = inner.text("image"), inner.take("conda_file"), inner.inner("build")
    routes = _routes(inner.inner("inference_config"))
    base = Environment(image=image, as_it_is=routes is not None)
    if routes is not None and (build is not None or conda is not None or not image):
        inner.refuse("inference_config", "goes with an image alone, which is run as it is")
    if build is not None:
        if image or conda is not None:
            inner.refuse("build", "excludes image and conda_file")
        base = _built(build, root)
    found = replace(
        base,
        name=inner.text("name"),
        version=inner.text("version"),
        conda=None if conda is None else _conda(inner, conda, root),
    )
    inner.ignore("tags", "description", "properties", "$schema")
    inner.close()
    return found, routes or Routes()


def _built(fields: Fields, root: Path) -> Environment:
    folder = (root / fields.text("path", ".")).resolve()
    found = dockerfile_in(fields, folder, fields.text("dockerfile_path", "Dockerfile"))
    fields.close()
    return found


def _conda(fields: Fields, value: object, root: Path) -> CondaFile:
    if isinstance(value, Mapping):
        return CondaFile(value, root, fields.place("conda_file"))
    path = root / str(value)
    if not path.is_file():
        fields.refuse("conda_file", f"no such file: {path}")
    return conda_file(path.resolve())


def _routes(fields: Fields | None) -> Routes | None:
    """Where the image is asked that brings a server of its own."""
    if fields is None:
        return None
    found = {}
    for name in ("liveness", "readiness", "scoring"):
        inner = fields.inner(f"{name}_route")
        if inner is None:
            fields.refuse(f"{name}_route", "is needed beside the other two, with path and port")
        path, port = inner.text("path"), inner.whole("port", 1, 65535)
        if not path:
            inner.refuse("path", "is needed")
        if port is None:
            inner.refuse("port", "is needed")
        found[name] = Route(path if path.startswith("/") else f"/{path}", port)
        inner.close()
    fields.close()
    return Routes(**found)
