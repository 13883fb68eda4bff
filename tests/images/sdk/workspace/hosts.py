"""What the workspace stands in for: hosts of Azure, and a subscription."""

from __future__ import annotations

MANAGEMENT = "management.azure.com"  # Azure Resource Manager
SERVICES = "westeurope.api.azureml.ms"
BLOBS = "account.blob.core.windows.net"

ALL = (MANAGEMENT, SERVICES, BLOBS)

SUBSCRIPTION = "00000000-0000-0000-0000-000000000000"
