"""What both generations of files ask of an entry script, before anything is built."""

from __future__ import annotations

import ast
from keyword import iskeyword
from pathlib import Path

from scoreserve.deploy.files.documents import Fields


def check(fields: Fields, field: str, script: Path, *, importable: bool) -> None:
    """Raises DeploymentError for a script that cannot be served. `importable`, as v1 has it: its
    name is that of a module.
    """
    if not script.is_file():
        fields.refuse(field, f"no such file: {script}")
    if script.suffix != ".py":
        fields.refuse(
            field, "Invalid driver type. Currently only Python drivers are supported."
        )  # azureml-core's own words, as the next
    if importable and (not script.stem.isidentifier() or iskeyword(script.stem)):
        fields.refuse(
            field,
            f'Error, invalid name "{script.stem}" for provided entry script. The script must be'
            " importable as a valid python module, and must adhere to standard module naming. This"
            " means it must be a valid python identifier and not a part of the set of python"
            " standard keywords.",
        )
    try:
        ast.parse(script.read_bytes(), str(script))
    except (SyntaxError, ValueError) as error:
        fields.refuse(field, f"{script.name} cannot be parsed: {error}")
