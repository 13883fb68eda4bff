"""How containers are known again: by labels, so that there is no file to keep in step with them.

Two checkouts of a project may each have a service of one name: a label says which one's it is.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from scoreserve.deploy.deployment import Route

SERVICE = "scoreserve.service"  # its name
PROJECT = "scoreserve.project"  # the folder that it was deployed from
ROLE = "scoreserve.role"  # one of the next two
SERVER, SWITCH = "server", "switch"
ABOUT = "scoreserve.about"  # `About`, as JSON; no secrets
GENERATION = "scoreserve.generation"  # of one deploy or update: what it made
UNSCHEDULABLE = "scoreserve.unschedulable"  # why a container was made and not started


@dataclass(frozen=True)
class About:
    """What is known of a running service besides its containers."""

    scoring: Route
    readiness: Route
    patience_seconds: float
    authenticated: bool
    network: str
    code: str = ""  # path of the script, or of its folder, on this machine
    samples: tuple[str, ...] = ()  # where sample requests may lie
    arguments: Mapping[str, Any] = field(default_factory=dict)  # of the command that deployed it
    environment: str = ""

    @property
    def text(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def from_text(cls, text: str) -> About:
        """What `text` prints. Raises ValueError."""
        found = json.loads(text)
        try:
            return cls(
                **{
                    **found,
                    "scoring": Route(**found["scoring"]),
                    "readiness": Route(**found["readiness"]),
                    "samples": tuple(found["samples"]),
                }
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not what scoreserve writes there: {error}") from None


def project_of(folder: Path) -> Path:
    """The checkout that a folder lies in: the nearest one above with a .git, or itself."""
    folder = folder.resolve()
    return next((each for each in (folder, *folder.parents) if (each / ".git").exists()), folder)
