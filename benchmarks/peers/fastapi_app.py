"""What many write by hand: FastAPI, a pydantic model for the body, `def` for code that blocks."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel

from benchmarks.peers.work import WORKS, Work, configuration, load_work

loaded: dict[str, Work] = {}
name = configuration().name


@asynccontextmanager
async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
    """Load the model before the first request, as FastAPI's documentation has it."""
    loaded["work"] = load_work()
    yield


class Body(BaseModel):
    """Rows to score."""

    data: list[list[float]]


app = FastAPI(lifespan=lifespan)


@app.get("/")
def health() -> str:
    """The probe."""
    return "Healthy"


if name == "image":

    @app.post("/score", response_model=WORKS[name].reply)
    async def score_bytes(request: Request) -> Any:
        """Raw bytes: read on the event loop, scored in the thread pool."""
        return await run_in_threadpool(loaded["work"].score, await request.body())

else:

    @app.post("/score", response_model=WORKS[name].reply)
    def score(body: Body) -> Any:
        """Rows: FastAPI runs a `def` in its thread pool."""
        return loaded["work"].score(body.data)
