"""docker-py, as podman 4.3 wants it: that takes what is a mount, and listed as a volume too, for
two. The SDKs stay as they are.
"""

from __future__ import annotations

from typing import Any

from docker.api.container import ContainerApiMixin


def mend() -> None:
    """Leaves the list out, which Docker has no need of either beside the mounts."""
    create = ContainerApiMixin.create_container_from_config

    def without_volumes(
        self: ContainerApiMixin, config: Any, name: str | None = None, platform: str | None = None
    ) -> Any:
        config.pop("Volumes", None)
        return create(self, config, name, platform)

    ContainerApiMixin.create_container_from_config = without_volumes
