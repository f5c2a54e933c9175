"""Bring published weight files into the weights folder: resumed where a download broke off, verified, then in place.

One way for all publishers, by HTTP ranges: pooch begins a broken download anew, and huggingface_hub, which goes on with
its own, checks the size of a file and not its hash, and would be a second way beside the one for GitHub and Zenodo.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
from tenacity import Retrying, retry_if_exception, stop_after_attempt

from modal_backend.errors import BackendError, BackendUnavailable, WeightsMissing
from modal_backend.registry import MODELS
from modal_backend.waiting import growing
from modal_backend.weights import files as weights
from modal_backend.weights.files import Wanted
from modal_backend.weights.published import WeightFile

ATTEMPTS = 4
PAUSE_SECONDS = 1.0
TIMEOUT = httpx.Timeout(30.0, connect=10.0)
Progress = Callable[[int, int | None], None]


def _silent(_done: int, _total: int | None) -> None:
    """Nobody watches."""


def fetch(
    file: WeightFile, where: Path | None = None, *, progress: Progress = _silent, pause: float = PAUSE_SECONDS
) -> str:
    """Bring one file into the folder unless the right one is there; returns one sentence.

    A wrong file that lies there is replaced. progress is told the bytes so far and in all. Raises WeightsMissing when
    what was sent is not the file, BackendUnavailable when its publisher cannot be reached (the part that came is kept
    and the next fetch goes on from there), OSError when it cannot be written.
    """
    where = where or weights.folder()
    place = where / file.path
    try:
        weights.find(file, where)
        return f"{file.path}: there already, its hash is right."
    except WeightsMissing as missing:
        if not file.url:
            raise
        why = "" if not place.exists() else f" ({missing})"
    place.parent.mkdir(parents=True, exist_ok=True)
    part = place.with_name(place.name + ".part")
    with httpx.Client(follow_redirects=True, timeout=TIMEOUT) as client:
        wanted, sha256 = _download(client, file, where, part, progress, pause)
    if not file.digest:
        weights.pin(place, sha256)
    part.replace(place)
    return f"{file.path}: fetched, its {wanted.algorithm} is right{why}."


def fetch_models(models: Sequence[str], where: Path | None = None, progress: Progress = _silent) -> Iterator[str]:
    """Bring the files of these models (all with a publisher when none is named); one sentence a file, good or bad.

    A file that cannot be had does not keep the others from coming.
    """
    files = {file.path: file for name in models or MODELS for file in MODELS[name].files}
    for file in files.values():
        if not models and not file.url:
            continue
        try:
            yield fetch(file, where, progress=progress)
        except (BackendError, OSError) as error:
            yield f"{file.path}: NOT THERE. {error} {getattr(error, 'remedy', '')}".rstrip()


class _WrongFile(WeightsMissing):
    """What came has not the hash or the size it must have; what is left of it has been removed."""


def _download(
    client: httpx.Client, file: WeightFile, where: Path, part: Path, progress: Progress, pause: float
) -> tuple[Wanted, str]:
    """Fill `part`, going on where it ends; returns what the file must be, and its SHA-256."""
    wanted = _known(file, where)

    def attempt() -> tuple[Wanted, str]:
        nonlocal wanted
        wanted = wanted or _wanted_by_record(client, file)
        wanted = _receive(client, file, part, wanted, progress)
        return wanted, _checked(part, file, wanted)

    patiently = Retrying(
        retry=retry_if_exception(_may_pass), wait=growing(pause), stop=stop_after_attempt(ATTEMPTS), reraise=True
    )
    try:
        return patiently(attempt)
    except httpx.HTTPStatusError as error:
        if not _may_pass(error):
            raise WeightsMissing(
                f"{file.url} answered {error.response.status_code}.",
                remedy="Copy the file from somewhere else, see its model's page.",
            ) from error
        raise _away(file, f"it answered {error.response.status_code}") from error
    except httpx.HTTPError as error:
        raise _away(file, str(error) or type(error).__name__) from error


def _may_pass(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code >= 500 or error.response.status_code in (408, 416, 429)
    return isinstance(error, httpx.HTTPError | _WrongFile)


def _away(file: WeightFile, trouble: str) -> BackendUnavailable:
    return BackendUnavailable(
        f"{file.url} cannot be fetched: {trouble}.",
        remedy="Run the same command again: it goes on where it stopped. Without a network set PUGMARK_WEIGHTS_DIR.",
    )


def _checked(part: Path, file: WeightFile, wanted: Wanted) -> str:
    """The SHA-256 of what came. Raises _WrongFile."""
    sha256, found = weights.digests(part, wanted.algorithm)
    if found.startswith(wanted.digest) and wanted.size in (None, part.stat().st_size):
        return sha256
    part.unlink()
    raise _WrongFile(
        f"What {file.url} sent is not {file.path}: its {wanted.algorithm} is {found}, not {wanted.digest}.",
        remedy="Try again later, or copy the file from somewhere you trust.",
    )


def _receive(client: httpx.Client, file: WeightFile, part: Path, wanted: Wanted | None, progress: Progress) -> Wanted:
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-", "Accept-Encoding": "identity"} if have else {"Accept-Encoding": "identity"}
    with client.stream("GET", file.url, headers=headers) as response:
        wanted = wanted or _wanted_by_headers(response, file)
        if response.status_code == 416:  # nothing is left to send: the part is whole, or another file
            return wanted
        response.raise_for_status()
        goes_on = response.status_code == 206 and response.headers.get("content-range", "").startswith(f"bytes {have}-")
        if response.status_code == 206 and not goes_on:
            part.unlink(missing_ok=True)
            raise httpx.ReadError("it answered with another part than was asked for")
        done = have if goes_on else 0
        length = response.headers.get("content-length")
        total = done + int(length) if length else wanted.size
        with part.open("ab" if goes_on else "wb") as opened:
            for block in response.iter_bytes():
                opened.write(block)
                done += len(block)
                progress(done, total)
        if total is not None and done < total:
            raise httpx.ReadError(f"it ended after {done:,} of {total:,} bytes")
    return wanted


def _known(file: WeightFile, where: Path) -> Wanted | None:
    """What the file must be, as far as it is known before it is asked for; an older pin is not held against it."""
    if file.digest or file.path in weights.sums(where):
        return weights.wanted_of(file, where)
    return None


def _wanted_by_record(client: httpx.Client, file: WeightFile) -> Wanted | None:
    """Size and MD5 from the Zenodo record the file belongs to."""
    if not file.record:
        return None
    answer = client.get(file.record)
    answer.raise_for_status()
    for entry in answer.json().get("files", []):
        if entry.get("key") == Path(file.path).name:
            algorithm, _, digest = str(entry.get("checksum", "")).partition(":")
            if algorithm in ("md5", "sha256") and digest:
                return Wanted(algorithm, digest, entry.get("size"))
    raise WeightsMissing(f"{file.record} does not tell the hash of {file.path}.", remedy=weights.remedy(file))


def _wanted_by_headers(response: httpx.Response, file: WeightFile) -> Wanted:
    """SHA-256 and size that Hugging Face gives with a download (X-Linked-ETag, before it redirects)."""
    for answer in [*response.history, response]:
        digest = answer.headers.get("x-linked-etag", "").strip('W/"')
        if re.fullmatch(r"[0-9a-f]{64}", digest):
            size = answer.headers.get("x-linked-size")
            return Wanted("sha256", digest, int(size) if size else None)
    response.raise_for_status()
    raise WeightsMissing(
        f"{file.url} does not tell the hash of {file.path}, so what it sends cannot be checked.",
        remedy=f"Copy the file by hand and write its SHA-256 into {weights.SUMS}.",
    )
