"""Write all test images as one request, and one of them as a small one.

Written files:
    request.json          {"data": rows}: each test image, shape (10000, 784)
    digits.json           the digit that each of them shows
    sample_request.json   {"data": rows}: one image, drawn by lot
"""

from __future__ import annotations

import argparse
import json
import random
from pathlib import Path

import images

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Write the three files, and print how large the request is."""
    parser = argparse.ArgumentParser(description="Write the requests of the MNIST tutorial.")
    images.add_flag(parser)
    _, testing = images.load(parser.parse_args().images)
    rows = testing.pixels.tolist()
    request = HERE / "request.json"
    request.write_text(json.dumps({"data": rows}), encoding="utf-8")
    (HERE / "digits.json").write_text(json.dumps(testing.digits.tolist()), encoding="utf-8")
    sample = json.dumps({"data": [random.choice(rows)]})
    (HERE / "sample_request.json").write_text(sample, encoding="utf-8")
    print(f"request.json: {len(rows):,} images, {request.stat().st_size / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
