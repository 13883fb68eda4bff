"""`azureml.exceptions`, as far as loading a model in a container can raise any."""


class ModelNotFoundException(Exception):
    """No model of that name and version is in the container."""
