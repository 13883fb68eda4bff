"""endpoint.yml, of v2: the name that deployments are reached by."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scoreserve.deploy.files.documents import Fields, read

_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{1,30}[a-zA-Z0-9]")
_KEY = "key"
_AUTH_MODES = (_KEY, "aml_token", "aad_token")
_NO_KEY = "clients need a key here only where `scoreserve deploy` is given --auth"
_AZURE_S_OWN = {
    "mirror_traffic": "one container has all the traffic",
    "public_network_access": "the port is this machine's",
    "identity": "an identity is Azure's",
    "compute": "the cluster is Azure's",
    "properties": "kept by the workspace",
    "location": "the region is Azure's",
}


@dataclass(frozen=True)
class Endpoint:
    """What the file comes to."""

    name: str
    tags: dict[str, str]


def read_endpoint(path: Path, notes: list[str]) -> Endpoint:
    """What an endpoint.yml says. Raises DeploymentError."""
    fields = Fields(read(path), path.name, notes)
    if "nlineDeployment" in fields.text("$schema"):
        fields.refuse("$schema", "this is a deployment: give it with --deployment")
    name = fields.text("name")
    if not name:
        fields.refuse("name", "an endpoint needs a name")
    check_name(fields, "name", name)
    is_written = "auth_mode" in fields
    is_key = fields.choice("auth_mode", _AUTH_MODES, _KEY) == _KEY
    if is_written:
        fields.note("auth_mode", _NO_KEY if is_key else f"tokens come from Azure; {_NO_KEY}")
    tags = fields.texts("tags")
    if description := fields.text("description"):
        tags["description"] = description
    traffic = fields.texts("traffic")
    if any(share != "100" for share in traffic.values()):
        fields.note("traffic", "ignored: each deployment is a container with all of its traffic")
    fields.only_in_azure(_AZURE_S_OWN)
    fields.close()
    return Endpoint(name, tags)


def check_name(fields: Fields, field: str, name: str) -> None:
    """Raises DeploymentError for a name that Azure would not take for an endpoint."""
    if not _NAME.fullmatch(name):
        fields.refuse(
            field,
            f"{name!r} must be 3 to 32 letters, digits and `-`, begin with a letter, and not end"
            " with `-`",
        )
