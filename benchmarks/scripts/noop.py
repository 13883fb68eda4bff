"""An entry script that does nothing, so that only the server is measured."""


def init() -> None:
    """Nothing to load."""


def run(raw_data: str) -> dict[str, list[int]]:
    """The same reply to every request."""
    return {"result": [0]}
