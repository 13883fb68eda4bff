"""LitServe: a LitAPI with setup, decode_request, predict, encode_response."""

import base64
from typing import Any

import litserve
from fastapi import Request

from benchmarks.peers.work import configuration, load_work

LOOPBACK = "127.0.0.1"


class Score(litserve.LitAPI):
    """Scores in LitServe's inference process."""

    def setup(self, device: str) -> None:
        """Load the model, once an inference process."""
        self.work = load_work()

    def decode_request(self, request: Request) -> Any:
        """LitServe reads the annotation, yet hands over the parsed JSON.

        Binary data comes in base64, as in LitServe's own examples.
        """
        content: Any = request
        return base64.b64decode(content["image"]) if "image" in content else content["data"]

    def batch(self, inputs: list[Any]) -> list[Any]:
        """Requests stay apart until predict()."""
        return inputs

    def predict(self, x: Any) -> Any:
        """One request, or a list of them when batching is on."""
        return self.work.score_many(x) if self.max_batch_size > 1 else self.work.score(x)

    def unbatch(self, output: list[Any]) -> list[Any]:
        """The replies are apart already."""
        return output

    def encode_response(self, output: Any) -> Any:
        """LitServe makes the JSON."""
        return output


def main() -> None:
    """Serve; fast_queue is what LitServe advises for more than a hundred requests a second."""
    config = configuration()
    api = Score(
        api_path="/score",
        max_batch_size=config.max_batch_size,
        batch_timeout=config.batch_wait_ms / 1000 if config.batching else 0.0,
    )
    server = litserve.LitServer(
        api,
        accelerator="cpu",
        workers_per_device=config.workers,
        fast_queue=True,
        timeout=60,
    )
    server.run(host=LOOPBACK, port=config.port, generate_client_file=False)


if __name__ == "__main__":
    main()
