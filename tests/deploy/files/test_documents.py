"""Files that are no JSON, no YAML, or not what they should be."""

from __future__ import annotations

from pathlib import Path

import pytest

from scoreserve.deploy.files.documents import Fields, read
from scoreserve.errors import DeploymentError


@pytest.mark.parametrize("name", ["a.json", "a.yml", "a"])
def test_a_byte_order_mark_does_no_harm(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b'\xef\xbb\xbf{"a": null}')
    assert read(tmp_path / name) == {"a": None}


@pytest.mark.parametrize(
    ("name", "content", "told"),
    [
        ("a.json", b"a: 1", "a.json: is no JSON: "),
        ("a.yml", b"a: [", "a.yml: is no YAML: "),
        ("a.yml", b"a: 2024-13-01", "a.yml: is no YAML: month must be in 1..12"),
        ("a.yml", b"!!python/object:os.system {}", "a.yml: is no YAML: "),
        ("a.json", b"[]", "a.json: must hold an object with fields, not a list"),
        ("a.yml", b"", "a.yml: must hold an object with fields, not nothing"),
        ("a.yml", b"text", "not the text 'text'"),
        ("a.json", b"\xff", "a.json: is no text in UTF-8: "),
        ("a.json", b"[" * 100_000, "a.json: is no JSON: "),
    ],
)
def test_what_cannot_be_read_is_told(tmp_path: Path, name: str, content: bytes, told: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DeploymentError) as caught:
        read(tmp_path / name)
    assert told in str(caught.value)


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(DeploymentError, match=r"none\.json: No such file or directory"):
        read(tmp_path / "none.json")


def test_what_is_missing_is_told_with_the_field_that_may_be_meant_to_be_it() -> None:
    fields = Fields({"scoring_scrpt": "score.py"}, "blue.yml", [], "code_configuration.")
    with pytest.raises(DeploymentError) as caught:
        fields.refuse("scoring_script", "is needed")
    assert str(caught.value) == (
        "blue.yml: code_configuration.scoring_script: is needed"
        ' (is "code_configuration.scoring_scrpt" meant to be it?)'
    )


def test_what_is_wrong_has_its_own_name() -> None:
    fields = Fields({"port": "none", "prot": 1}, "dc.json", [])
    with pytest.raises(DeploymentError, match=r"dc\.json: port: must be a number, not 'none'$"):
        fields.whole("port")
