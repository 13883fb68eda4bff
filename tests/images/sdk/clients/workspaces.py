"""The workspace of azureml-core's programs."""

from __future__ import annotations

import time

import jwt
from azureml.core import Workspace
from azureml.core.authentication import ArmTokenAuthentication

from tests.images.sdk.workspace.hosts import SUBSCRIPTION

_HOUR_SECONDS = 3600


def connect() -> Workspace:
    """The only one that there is, which takes any token."""
    claims = {"exp": int(time.time()) + _HOUR_SECONDS, "tid": "tenant"}
    token = jwt.encode(claims, "nobody checks the signature of this", algorithm="HS256")
    return Workspace(SUBSCRIPTION, "group", "workspace", auth=ArmTokenAuthentication(token))
