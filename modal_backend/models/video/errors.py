"""What goes wrong at a chat-completions endpoint, as errors of ours: what happened, and what a person can do."""

from __future__ import annotations

import email.utils
import re
import time

from modal_backend.errors import (
    BackendError,
    BackendMisconfigured,
    BackendUnavailable,
    JobFailed,
    QueueFull,
    ResultLost,
)

NO_KEY = (
    "Set OMNIVINCI_API_KEY (a key of build.nvidia.com, or of the endpoint that OMNIVINCI_API_URL names; an endpoint "
    "without keys takes any text), and start Pugmark again."
)
LATER = "Ask again later."
LONGEST_QUOTE = 200
KEYLIKE = re.compile(r"\b(nvapi|sk|hf|key|Bearer)[-_ ][A-Za-z0-9*_.\-]{6,}", re.IGNORECASE)


class TryAgain(Exception):
    """The endpoint did no work: another request may be sent, after `after` seconds where it named a pause."""

    def __init__(self, error: BackendError, after: float | None = None) -> None:
        super().__init__(str(error))
        self.error, self.after = error, after


def translated(error: Exception, host: str, key: str, silence: float) -> Exception:
    """The error that a failed request stands for: TryAgain or BackendError. Never holds the key."""
    import httpx
    import openai

    if isinstance(error, openai.APIStatusError):
        return _of_status(error, host, key)
    reason = error.__cause__ or error
    if isinstance(reason, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout):
        return TryAgain(
            BackendUnavailable(f"{host} cannot be reached.", remedy="Check OMNIVINCI_API_URL and the network.")
        )
    if isinstance(error, openai.APITimeoutError) or isinstance(reason, httpx.TimeoutException):
        return BackendUnavailable(
            f"{host} said nothing for {silence:.0f} s; the question was given up and nothing is kept.",
            remedy="Ask again later; OMNIVINCI_SILENCE sets how long to wait.",
        )
    if isinstance(error, openai.APIConnectionError | httpx.HTTPError):
        return cut(host)
    if isinstance(error, openai.APIError):
        return JobFailed(f"{host} reported an error{_quoted(error.message, key)}.", remedy=LATER)
    return JobFailed(
        f"{host} sent what cannot be read as an answer{_quoted(str(error), key)}.",
        remedy="Ask again; if it stays so, check that OMNIVINCI_API_URL speaks the chat-completions protocol.",
    )


def cut(host: str) -> ResultLost:
    """The stream ended before the answer did."""
    return ResultLost(
        f"The connection to {host} broke off in the middle of the answer; what had arrived is not kept.",
        remedy="Ask again: the endpoint may charge for both.",
    )


def _of_status(error: object, host: str, key: str) -> Exception:
    import openai

    assert isinstance(error, openai.APIStatusError)
    status = error.status_code
    if status in (401, 403):
        return BackendMisconfigured(f"{host} does not accept the key ({status}).", remedy="Check OMNIVINCI_API_KEY.")
    if status == 402:
        return BackendMisconfigured(f"{host} wants to be paid first ({status}).", remedy="Look at your account there.")
    if status == 429:
        full = QueueFull(f"{host} takes no more questions for now (429).", remedy=LATER)
        return TryAgain(full, retry_after(error.response.headers))
    if status >= 500:
        down = BackendUnavailable(f"{host} has trouble of its own ({status}).", remedy=LATER)
        return TryAgain(down, retry_after(error.response.headers))
    if status == 404 or 300 <= status < 400:
        return BackendMisconfigured(
            f"{host} does not have this model or address ({status}).",
            remedy="Check OMNIVINCI_MODEL and OMNIVINCI_API_URL (it ends in /v1).",
        )
    return JobFailed(
        f"{host} refused the question ({status}){_quoted(error.message, key)}.",
        remedy="Lower OMNIVINCI_FRAMES if it is too large, or choose an OMNIVINCI_MODEL that takes pictures.",
    )


def retry_after(headers: object) -> float | None:
    """Seconds that an answer's Retry-After asks to wait (a number or a date, RFC 9110 section 10.2.3), or None."""
    given = str(getattr(headers, "get", lambda _name: None)("retry-after") or "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", given):
        return float(given)
    parsed = email.utils.parsedate_tz(given) if given else None
    return max(email.utils.mktime_tz(parsed) - time.time(), 0.0) if parsed else None


def _quoted(text: str, key: str) -> str:
    """What the endpoint said, short, on one line, and without anything that looks like a key."""
    clean = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    clean = KEYLIKE.sub("[key]", clean.replace(key, "[key]") if key else clean)
    return f": {clean[:LONGEST_QUOTE]}" if clean else ""
