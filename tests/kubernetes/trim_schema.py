"""Writes the part of a CustomResourceDefinition's schema that our manifests use.

    python -m tests.kubernetes.trim_schema CRD.yaml OURS.yaml... > schemas/KIND.json

Where our objects have a mapping, all names that the schema knows there are kept, so that a wrong
one is told; what lies below names that we do not use is left out, and so are descriptions.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import yaml

KEPT = ("type", "enum", "pattern", "format", "minimum", "maximum", "required", "minItems")


def trim(schema: Any, ours: list[Any]) -> dict[str, Any]:
    """The schema's part for these values of ours."""
    kept = {key: schema[key] for key in KEPT if key in schema}
    if schema.get("x-kubernetes-int-or-string"):
        return {"type": ["integer", "string"]}
    if "properties" in schema:
        mappings = [each for each in ours if isinstance(each, dict)]
        kept["properties"] = {}
        for name, part in sorted(schema["properties"].items()):
            used = [each[name] for each in mappings if name in each]
            kept["properties"][name] = trim(part, used) if used else {}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            kept["additionalProperties"] = False
    elif "additionalProperties" in schema:
        kept["additionalProperties"] = trim(schema["additionalProperties"], [])
    elif "items" in schema:
        lists = [each for each in ours if isinstance(each, list)]
        kept["items"] = trim(schema["items"], [item for each in lists for item in each])
    return kept


def main() -> None:
    """Takes the version of the definition that the objects name."""
    definition = yaml.safe_load(Path(sys.argv[1]).read_text(encoding="utf-8"))
    group, kind = definition["spec"]["group"], definition["spec"]["names"]["kind"]
    texts = (Path(path).read_text(encoding="utf-8") for path in sys.argv[2:])
    objects = [each for text in texts for each in yaml.safe_load_all(text) if each]
    ours = [
        each
        for each in objects
        if each["kind"] == kind and each["apiVersion"].partition("/")[0] == group
    ]
    version = ours[0]["apiVersion"].partition("/")[2]
    (schema,) = (
        each["schema"]["openAPIV3Schema"]
        for each in definition["spec"]["versions"]
        if each["name"] == version
    )
    json.dump(trim(schema, ours), sys.stdout, indent=1)
    print()


if __name__ == "__main__":
    main()
