"""mosec: Rust in front, Python workers behind; `python -m benchmarks.peers.mosec_app --port N`."""

from __future__ import annotations

from typing import Any

from mosec import Server, Worker

from benchmarks.peers.work import configuration, load_work

config = configuration()


class Score(Worker):
    """One stage: mosec's own JSON, or the bytes as they are."""

    def __init__(self) -> None:
        """Load the model, once a worker."""
        self.work = load_work()

    def deserialize(self, data: bytes) -> Any:
        """Decode the body."""
        return data if config.name == "image" else super().deserialize(data)["data"]

    def forward(self, data: Any) -> Any:
        """One request, or a list of them when batching is on."""
        return self.work.score_many(data) if config.batching else self.work.score(data)


def main() -> None:
    """Serve; mosec reads its own flags, the port among them, from the command line."""
    server = Server()
    server.append_worker(
        Score,
        num=config.workers,
        max_batch_size=config.max_batch_size,
        max_wait_time=config.batch_wait_ms if config.batching else 0,
        route="/score",
    )
    server.run()


if __name__ == "__main__":
    main()
