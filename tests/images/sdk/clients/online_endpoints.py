"""Steps with azure-ai-ml. Argument: a folder with deployment.yml, endpoint.yml, request.json,
and perhaps an updated.yml.
"""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

from azure.ai.ml import MLClient, load_online_deployment, load_online_endpoint
from azure.core.credentials import AccessToken
from azure.core.exceptions import AzureError

from tests.images.sdk.clients.podman_43 import mend


class NoCredential:
    """Nothing is asked of Azure."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        raise RuntimeError(f"a token was asked for: {scopes}")


def main(folder: Path) -> dict[str, Any]:
    mend()
    client = MLClient(NoCredential(), "subscription", "group", "workspace")
    endpoint = load_online_endpoint(folder / "endpoint.yml")
    deployment = load_online_deployment(folder / "deployment.yml")
    found: dict[str, Any] = {}
    client.online_endpoints.begin_create_or_update(endpoint, local=True)
    try:
        client.online_deployments.begin_create_or_update(deployment, local=True)
        found["state"] = client.online_endpoints.get(endpoint.name, local=True).provisioning_state
        found["answer"] = _invoke(client, endpoint, folder)
        if (folder / "updated.yml").exists():
            updated = load_online_deployment(folder / "updated.yml")
            client.online_deployments.begin_create_or_update(updated, local=True)
            found["updated"] = _invoke(client, endpoint, folder)
    except AzureError as error:
        found["error"] = f"{type(error).__name__}: {error}"
    finally:
        with contextlib.suppress(AzureError):  # there is none where the build failed
            found["logs"] = _logs(client, deployment)
            client.online_endpoints.begin_delete(endpoint.name, local=True)
    found["left"] = [each.name for each in client.online_endpoints.list(local=True)]
    return found


def _invoke(client: MLClient, endpoint: Any, folder: Path) -> Any:
    answer = client.online_endpoints.invoke(
        endpoint.name, request_file=str(folder / "request.json"), local=True
    )
    return json.loads(answer)


def _logs(client: MLClient, deployment: Any) -> str:
    log: str = client.online_deployments.get_logs(
        deployment.name, deployment.endpoint_name, lines=200, local=True
    )
    return log


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
