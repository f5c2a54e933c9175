"""A chat-completions endpoint over one video model: what the self-hosted OmniVinci speaks, so that the client of
every other endpoint speaks to it too.

Runs in an image of its own with Python 3.10: imports nothing else of this package.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

MODEL = "nvidia/omnivinci"
MOST_BYTES = 64 * 1024**2
# Clients give up after a silence: a comment line of the event stream says that the model is at work.
SIGN_OF_LIFE_SECONDS = 10.0


@dataclass(frozen=True)
class Question:
    """One question.

    Attributes:
        media: ("video" or "image", file), in order.
    """

    text: str
    media: list[tuple[str, Path]]
    most_tokens: int


@dataclass(frozen=True)
class Answer:
    """One answer, with the tokens of the question and of the answer."""

    text: str
    prompt_tokens: int
    completion_tokens: int


class BadRequest(Exception):
    """The request cannot be answered as it is; the text says why."""


def build(answer: Callable[[Question], Answer], key: str) -> Starlette:
    """The endpoint.

    Args:
        answer: runs the model, in a thread, one question at a time.
        key: what callers have to show.
    """
    one_at_a_time = asyncio.Lock()

    def allowed(request: Request) -> bool:
        given = request.headers.get("authorization", "").removeprefix("Bearer ").strip()
        return bool(key) and hmac.compare_digest(given.encode(), key.encode())

    async def models(request: Request) -> Response:
        if not allowed(request):
            return _error(401, "The key is not accepted.")
        return JSONResponse({"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "nvidia"}]})

    async def complete(request: Request) -> Response:
        if not allowed(request):
            return _error(401, "The key is not accepted.")
        if int(request.headers.get("content-length") or 0) > MOST_BYTES:
            return _error(413, f"A request may have {MOST_BYTES} bytes.")
        folder = tempfile.TemporaryDirectory()
        try:
            body = await request.json()
            question = read(body, Path(folder.name))
        except (BadRequest, ValueError, KeyError, TypeError, AttributeError) as error:
            folder.cleanup()
            return _error(400, f"The request cannot be read: {error}")

        async def work() -> Answer:
            try:
                async with one_at_a_time:
                    return await asyncio.to_thread(answer, question)
            finally:
                folder.cleanup()

        if body.get("stream"):
            return StreamingResponse(_events(work), media_type="text/event-stream")
        answered = await work()
        choice = {"index": 0, "message": {"role": "assistant", "content": answered.text}, "finish_reason": "stop"}
        return JSONResponse(_head("chat.completion") | {"choices": [choice], "usage": _usage(answered)})

    routes = [Route("/v1/models", models), Route("/v1/chat/completions", complete, methods=["POST"])]
    return Starlette(routes=routes)


async def _events(work: Callable[[], Any]) -> AsyncIterator[str]:
    running = asyncio.ensure_future(work())
    while not running.done():
        await asyncio.wait([running], timeout=SIGN_OF_LIFE_SECONDS)
        if not running.done():
            yield ": at work\n\n"
    if running.exception() is not None:
        yield _event({"error": {"message": f"The model failed: {type(running.exception()).__name__}"}})
        return
    answered, head = running.result(), _head("chat.completion.chunk")
    yield _event(head | {"choices": [{"index": 0, "delta": {"content": answered.text}, "finish_reason": None}]})
    yield _event(head | {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    yield _event(head | {"choices": [], "usage": _usage(answered)})
    yield "data: [DONE]\n\n"


def read(body: dict[str, Any], folder: Path) -> Question:
    """The question of a request, its media written into the folder. Raises BadRequest, ValueError, KeyError."""
    words: list[str] = []
    media: list[tuple[str, Path]] = []
    for message in body["messages"]:
        content = message["content"]
        parts: list[dict[str, Any]] = [{"type": "text", "text": content}] if isinstance(content, str) else content
        for part in parts:
            kind = part["type"]
            if kind == "text":
                words.append(part["text"])
            elif kind in ("image_url", "video_url"):
                suffix = ".jpg" if kind == "image_url" else ".mp4"
                place = folder / f"{len(media)}{suffix}"
                place.write_bytes(_data(part[kind]["url"]))
                media.append((kind.removesuffix("_url"), place))
            else:
                raise BadRequest(f"parts of type {kind} are not taken")
    if not media:
        raise BadRequest("there is no picture and no video in it")
    return Question("\n".join(words), media, min(int(body.get("max_tokens") or 1024), 4096))


def _data(url: str) -> bytes:
    head, _, data = url.partition(",")
    if not (head.startswith("data:") and head.endswith(";base64")):
        raise BadRequest("media have to be inside the request, as base64")  # nothing is fetched from elsewhere
    return base64.b64decode(data, validate=True)


def _head(kind: str) -> dict[str, Any]:
    return {"id": "pugmark", "object": kind, "created": int(time.time()), "model": MODEL}


def _usage(answered: Answer) -> dict[str, int]:
    total = answered.prompt_tokens + answered.completion_tokens
    return {
        "prompt_tokens": answered.prompt_tokens,
        "completion_tokens": answered.completion_tokens,
        "total_tokens": total,
    }


def _event(value: dict[str, Any]) -> str:
    return f"data: {json.dumps(value)}\n\n"


def _error(status: int, text: str) -> Response:
    return JSONResponse({"error": {"message": text, "type": "invalid_request_error"}}, status_code=status)
