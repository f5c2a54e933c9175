"""Ask a video language model about a video, over the chat-completions protocol (NVIDIA's hosted API, a NIM, vLLM).

One request with the frames or the video and the question; no tools are offered. It is sent again only when the endpoint
said that it did no work (429, 5xx) or could not be reached: a request that may have been paid for is never repeated.
The key goes into the Authorization header and nowhere else: every error text is ours, and what an endpoint says is
searched for the key before it is shown.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, stop_before_delay

from modal_backend.contracts import VideoAnswer, VideoQuestion
from modal_backend.errors import BackendMisconfigured, BackendUnavailable, JobFailed, QueueFull
from modal_backend.models.video import errors
from modal_backend.models.video.prompts import SYSTEM, full_text
from modal_backend.waiting import growing

log = logging.getLogger(__name__)

HOSTED_URL = "https://integrate.api.nvidia.com/v1"
HOSTED_MODEL = "nvidia/nemotron-nano-12b-v2-vl"
CONNECT_SECONDS = 15.0
LONGEST_PAUSE = 60.0
MOST_TOKENS = 1024
MOST_CHARACTERS = 40_000
# C0 and C1 but tab and line feed, marks that change the direction of writing, and the byte order mark.
INVISIBLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
REASONING = re.compile(r"<think>.*?</think>|^.*?</think>|<think>.*\Z", re.DOTALL)
COUNT = re.compile(r"^\W*count\W+(\d{1,4})\b", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how to ask.

    Attributes:
        url: up to /v1.
        deadline: seconds for one question with all its attempts.
        silence: seconds without a byte after which a request is given up.
        max_bytes: size of a request's body that the endpoint takes.
        retries: attempts beyond the first.
        retry_delay: seconds before the first of them where the endpoint names none.
    """

    key: str = field(repr=False)
    url: str = HOSTED_URL
    model: str = HOSTED_MODEL
    deadline: float = 300.0
    silence: float = 120.0
    max_bytes: int = 10_000_000
    retries: int = 4
    retry_delay: float = 1.0

    @property
    def host(self) -> str:
        """Host and port, as people read it."""
        return urlsplit(self.url).netloc.rpartition("@")[2]


def plain(text: str) -> str:
    """The answer as text: without hidden reasoning, control characters and marks that turn the writing around."""
    return INVISIBLE.sub("", REASONING.sub("", text.replace("\r\n", "\n"))).strip()


def claimed_count(text: str) -> int | None:
    """The number of animals the answer ends with, None when it names none."""
    found = COUNT.findall(text)
    return int(found[-1]) if found else None


def request_bytes(question: VideoQuestion) -> int:
    """About how large the request's body is: media travel as base64."""
    media = len(question.video) or sum(len(frame.jpeg) for frame in question.frames)
    return media * 4 // 3 + len(question.text.encode()) + len(SYSTEM) + 120 * (len(question.frames) + 2)


async def ask(endpoint: Endpoint, question: VideoQuestion) -> VideoAnswer:
    """The answer. Raises BackendError; see video_errors for which error means what."""
    if not endpoint.key:
        raise BackendMisconfigured("The video language model is not configured.", remedy=errors.NO_KEY)
    if request_bytes(question) > endpoint.max_bytes:
        raise JobFailed(
            f"The question is {request_bytes(question) / 1e6:.1f} MB, more than OMNIVINCI_MAX_BYTES allows.",
            remedy="Lower OMNIVINCI_FRAMES, or raise OMNIVINCI_MAX_BYTES if the endpoint takes more.",
        )
    clock = asyncio.timeout(endpoint.deadline)
    try:
        async with clock:
            return await _patiently(endpoint, question)
    except TimeoutError:
        raise BackendUnavailable(
            f"{endpoint.host} did not finish within {endpoint.deadline:.0f} s.",
            remedy="Ask again later, or raise OMNIVINCI_TIMEOUT.",
        ) from None


async def _patiently(endpoint: Endpoint, question: VideoQuestion) -> VideoAnswer:
    usual = growing(endpoint.retry_delay, LONGEST_PAUSE)

    def pause(state: RetryCallState) -> float:
        named = _again(state).after
        return usual(state) if named is None else named

    retrying = AsyncRetrying(
        retry=retry_if_exception_type(errors.TryAgain),
        wait=pause,
        stop=stop_after_attempt(endpoint.retries + 1) | stop_before_delay(endpoint.deadline),
        before_sleep=lambda state: log.info("%s; asked again in %.1f s.", _again(state).error, state.upcoming_sleep),
        retry_error_callback=lambda state: _give_up(state, endpoint.deadline),
    )
    async for attempt in retrying:
        with attempt:
            return await _once(endpoint, question, attempt.retry_state.attempt_number)
    raise AssertionError("the last attempt answers or raises")


def _again(state: RetryCallState) -> errors.TryAgain:
    error = state.outcome.exception() if state.outcome else None
    assert isinstance(error, errors.TryAgain)
    return error


def _give_up(state: RetryCallState, deadline: float) -> None:
    """Raises what the last attempt ended with, and why there is no other."""
    error, pause, left = _again(state).error, state.upcoming_sleep, deadline - (state.seconds_since_start or 0.0)
    too_long = f" It wants {pause:.0f} s of pause, and only {left:.0f} s are left." if pause >= left else ""
    kind = QueueFull if isinstance(error, QueueFull) else BackendUnavailable
    raise kind(f"{error} Given up after attempt {state.attempt_number}.{too_long}", remedy=error.remedy) from None


async def _once(endpoint: Endpoint, question: VideoQuestion, attempt: int) -> VideoAnswer:
    """One request. Raises TryAgain where another one costs nothing twice, BackendError otherwise."""
    import httpx
    import openai

    patience = httpx.Timeout(endpoint.silence, connect=min(CONNECT_SECONDS, endpoint.silence))
    async with httpx.AsyncClient(timeout=patience, follow_redirects=False) as http:
        carrier: Any = http  # the client library takes httpx clients, its types name httpx2 only
        client = openai.AsyncOpenAI(api_key=endpoint.key, base_url=endpoint.url, max_retries=0, http_client=carrier)
        messages: Any = _messages(question)  # videos are not in the library's types
        try:
            raw = await client.chat.completions.with_raw_response.create(
                model=endpoint.model,
                messages=messages,
                max_tokens=MOST_TOKENS,
                temperature=0.2,
                stream=True,
                stream_options={"include_usage": True},
            )
            if "application/json" in raw.headers.get("content-type", ""):  # an endpoint that does not stream
                heard = _whole(json.loads(await raw.http_response.aread()))
            else:
                heard = await _streamed(raw.parse())
        except (openai.OpenAIError, httpx.HTTPError, ValueError) as error:
            raise errors.translated(error, endpoint.host, endpoint.key, endpoint.silence) from None
    return _answer(heard, endpoint, attempt)


@dataclass(slots=True)
class _Heard:
    text: str = ""
    finish: str | None = None
    model: str = ""
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    tools: bool = False


async def _streamed(stream: Any) -> _Heard:
    heard = _Heard()
    async for chunk in stream:
        heard.model = chunk.model or heard.model
        _count(heard, chunk.usage.model_dump() if chunk.usage else None)
        for choice in chunk.choices or []:
            heard.text += choice.delta.content or "" if choice.delta else ""
            heard.tools |= bool(choice.delta and choice.delta.tool_calls)
            heard.finish = choice.finish_reason or heard.finish
        if len(heard.text) > MOST_CHARACTERS:
            raise ValueError("the answer does not end")
    return heard


def _whole(body: Any) -> _Heard:
    choices = body.get("choices") if isinstance(body, dict) else None
    if not (isinstance(choices, list) and choices and isinstance(choices[0], dict)):
        raise ValueError("there is no answer in it")
    message = choices[0].get("message") or {}
    heard = _Heard(str(message.get("content") or ""), choices[0].get("finish_reason") or "stop")
    heard.model, heard.tools = str(body.get("model") or ""), bool(message.get("tool_calls"))
    _count(heard, body.get("usage"))
    return heard


def _count(heard: _Heard, usage: Any) -> None:
    if isinstance(usage, dict):
        heard.prompt_tokens = usage.get("prompt_tokens", heard.prompt_tokens)
        heard.completion_tokens = usage.get("completion_tokens", heard.completion_tokens)


def _answer(heard: _Heard, endpoint: Endpoint, attempt: int) -> VideoAnswer:
    if heard.finish is None:
        raise errors.cut(endpoint.host)
    if heard.finish == "content_filter":
        raise JobFailed(f"{endpoint.host} declined to answer.", remedy="Ask in other words.")
    text = plain(heard.text)
    if not text:
        wanted = "wanted to call a tool, and none is offered" if heard.tools else "sent an empty answer"
        raise JobFailed(f"{endpoint.host} {wanted}.", remedy="Ask again, or choose another OMNIVINCI_MODEL.")
    return VideoAnswer(
        text=text.replace(endpoint.key, "[key]"),
        model=heard.model or endpoint.model,
        host=endpoint.host,
        prompt_tokens=heard.prompt_tokens,
        completion_tokens=heard.completion_tokens,
        cut_short=heard.finish == "length",
        attempts=attempt,
    )


def _messages(question: VideoQuestion) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if question.video:
        parts.append({"type": "video_url", "video_url": {"url": _data_url("video/mp4", question.video)}})
    for frame in question.frames:
        parts.append({"type": "text", "text": f"The video at {frame.seconds:.1f} s:"})
        parts.append({"type": "image_url", "image_url": {"url": _data_url("image/jpeg", frame.jpeg)}})
    parts.append({"type": "text", "text": full_text(question.text)})
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": parts}]


def _data_url(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"
