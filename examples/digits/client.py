"""Post the sample rows to a running server and compare its answers with the true digits.

Needs nothing but Python: the rows and labels come from the two JSON files beside this one.
"""

from __future__ import annotations

import argparse
import http.client
import json
import sys
import urllib.error
import urllib.request
from pathlib import Path

HERE = Path(__file__).resolve().parent
DEFAULT_URL = "http://localhost:5001/score"
TIMEOUT_SECONDS = 30.0  # for one request; the model answers in milliseconds


class ClientError(Exception):
    """The server could not be asked, or did not answer with one digit for each row."""


def post(url: str, body: bytes) -> bytes:
    """POST `body` as JSON and return the body of the reply; raises ClientError."""
    try:
        request = urllib.request.Request(
            url, data=body, headers={"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as reply:
            content: bytes = reply.read()
    except urllib.error.HTTPError as error:
        text = error.read().decode(errors="replace").strip()
        raise ClientError(f"{url} answered {error.code}: {text}") from error
    except urllib.error.URLError as error:
        raise ClientError(f"no server answers at {url} ({error.reason})") from error
    except (OSError, http.client.HTTPException) as error:
        raise ClientError(f"{url} broke off before it answered ({error})") from error
    except ValueError as error:
        raise ClientError(f"not a URL: {url}") from error
    return content


def predict(url: str, body: bytes, rows: int) -> list[int]:
    """Return the predicted digit of each of the `rows` rows in `body`; raises ClientError."""
    reply = post(url, body)
    try:
        predicted = json.loads(reply)
    except ValueError as error:
        raise ClientError(f"the reply of {url} is not JSON: {reply[:80]!r}") from error
    if not isinstance(predicted, list) or len(predicted) != rows:
        raise ClientError(f"expected a list of {rows} digits, got {reply[:80]!r}")
    return predicted


def print_table(predicted: list[int], labels: list[int]) -> None:
    """Print one line per row, then how many predictions agree with the labels."""
    print("row  predicted  true")
    for row, (guess, label) in enumerate(zip(predicted, labels, strict=True)):
        mark = "" if guess == label else "   wrong"
        print(f"{row:>3}  {guess:>9}  {label:>4}{mark}")
    agreeing = sum(guess == label for guess, label in zip(predicted, labels, strict=True))
    print(f"{agreeing} of {len(labels)} agree")


def main() -> int:
    """Run the client; return 1 when the server gave no usable answer."""
    parser = argparse.ArgumentParser(description="Score the sample digits.")
    parser.add_argument("--url", default=DEFAULT_URL, help="default: %(default)s")
    options = parser.parse_args()

    body = (HERE / "sample_request.json").read_bytes()
    labels = json.loads((HERE / "sample_labels.json").read_text(encoding="utf-8"))
    try:
        predicted = predict(options.url, body, rows=len(labels))
    except ClientError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print_table(predicted, labels)
    return 0


if __name__ == "__main__":
    sys.exit(main())
