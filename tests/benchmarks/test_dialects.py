"""The same request in the words of each server."""

import base64
import json
from dataclasses import replace
from pathlib import Path

from benchmarks.dialects import V2, Dialect, ImageInJson
from benchmarks.scenarios import Scenario, noop

ROWS = replace(noop(), rows="[[1, 2.5]]", shape=(1, 2))


def image(directory: Path) -> Scenario:
    file = directory / "image.ppm"
    file.write_bytes(b"P6\xff")
    return replace(noop(), body_file=file, content_type="image/x-portable-pixmap")


def test_azure_ml_gets_the_rows_as_data() -> None:
    post = Dialect().post(ROWS)
    assert (post.path, json.loads(post.body)) == ("/score", {"data": [[1, 2.5]]})
    assert post.content_type == "application/json"


def test_azure_ml_gets_the_bytes_of_an_image(tmp_path: Path) -> None:
    post = Dialect().post(image(tmp_path))
    assert (post.body, post.content_type) == (b"P6\xff", "image/x-portable-pixmap")


def test_v2_gets_a_tensor_with_shape_and_type() -> None:
    post = V2("score").post(ROWS)
    assert post.path == "/v2/models/score/infer"
    (tensor,) = json.loads(post.body)["inputs"]
    assert tensor == {"name": "data", "shape": [1, 2], "datatype": "FP64", "data": [[1, 2.5]]}


def test_v2_answers_in_common_terms() -> None:
    one = {"outputs": [{"name": "predictions", "shape": [1], "data": [7]}]}
    named = {"outputs": [{"name": "mean", "shape": [3], "data": [1, 2, 3]}]}
    assert V2("score").reply(json.dumps(one).encode()) == [7]
    assert V2("score").reply(json.dumps(named).encode()) == {"mean": [1, 2, 3]}


def test_an_image_travels_in_json_where_it_has_to(tmp_path: Path) -> None:
    (tensor,) = json.loads(V2("score").post(image(tmp_path)).body)["inputs"]
    wrapped = json.loads(ImageInJson().post(image(tmp_path)).body)
    assert base64.b64decode(tensor["data"][0]) == b"P6\xff"
    assert base64.b64decode(wrapped["image"]) == b"P6\xff"
