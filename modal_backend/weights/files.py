"""Find, fetch and verify weight files. Nothing is loaded that has not just been verified.

They lie in one folder: PUGMARK_WEIGHTS_DIR (a mirror prepared by hand, a Modal Volume), else pugmark/weights in the
user's cache. Which hash a file must have is decided in this order: a line for it in the folder's SHA256SUMS (written
by whoever keeps the folder, for own weights), the published hash, the hash pinned beside it when it was fetched
(<file>.sha256). A file for which there is none of these is refused too.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from modal_backend.errors import WeightsMissing
from modal_backend.weights.published import WeightFile
from modal_backend.weights.whole_file import whole_file

SUMS = "SHA256SUMS"
VOLUME = "pugmark-weights"
BLOCK = 1 << 20
FETCH = "python -m app weights fetch"


@dataclass(frozen=True, slots=True)
class Verified:
    """A file that has the hash it must have. own: whether that hash is the folder's own and not the published one."""

    path: Path
    sha256: str
    own: bool = False


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a file must be: the hash by one algorithm, as far as it is known, and its size."""

    algorithm: str
    digest: str
    size: int | None = None
    own: bool = False


def folder() -> Path:
    """Where weights lie on this machine."""
    named = os.environ.get("PUGMARK_WEIGHTS_DIR")
    if named:
        return Path(named).expanduser()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "pugmark" / "weights"


def find(file: WeightFile, where: Path | None = None) -> Verified:
    """The verified file. Raises WeightsMissing saying what is wrong with it and what to do."""
    where = where or folder()
    place = where / file.path
    if not place.is_file():
        raise WeightsMissing(f"{file.path} is not in {where}.", remedy=remedy(file))
    wanted = wanted_of(file, where)
    if wanted is None:
        raise WeightsMissing(
            f"{file.path} is there, but nothing says which hash it must have.",
            remedy=f"If you trust the file: in {where}, sha256sum {file.path} >> {SUMS}",
        )
    found = place.stat().st_size
    if wanted.size is not None and found != wanted.size:
        raise WeightsMissing(
            f"{file.path} has {found:,} bytes instead of {wanted.size:,}: it is incomplete or another file.",
            remedy=remedy(file),
        )
    sha256, other = digests(place, wanted.algorithm)
    if not other.startswith(wanted.digest):
        raise WeightsMissing(
            f"{file.path} is not the file it should be (its {wanted.algorithm} is {other}, not {wanted.digest}).",
            remedy=remedy(file),
        )
    return Verified(place, sha256, wanted.own)


def looks_there(file: WeightFile, where: Path | None = None) -> bool:
    """Whether a file of the right size lies there and its hash is known; it is verified when it is loaded."""
    where = where or folder()
    place = where / file.path
    if not place.is_file():
        return False
    wanted = wanted_of(file, where)
    return wanted is not None and wanted.size in (None, place.stat().st_size)


def models_there(where: Path | None = None) -> list[str]:
    """Names of the models whose weight files look right; what needs none is not among them."""
    from modal_backend.registry import MODELS

    return [
        name for name, entry in MODELS.items() if entry.files and all(looks_there(file, where) for file in entry.files)
    ]


def runnable_here() -> list[str]:
    """Models with weights on this machine whose package, if they need one, is installed."""
    from modal_backend.registry import MODELS

    return [name for name in models_there() if not MODELS[name].package or find_spec(MODELS[name].package)]


def models_listed(files: Mapping[str, int]) -> list[str]:
    """Names of the models whose files are in a listing (path to size) of a weights folder that lies elsewhere."""
    from modal_backend.registry import MODELS

    def there(file: WeightFile) -> bool:
        vouched = bool(file.digest) or SUMS in files or f"{file.path}.sha256" in files
        return vouched and file.path in files and (file.size in (None, files[file.path]) or SUMS in files)

    return [name for name, entry in MODELS.items() if entry.files and all(there(file) for file in entry.files)]


def remedy(file: WeightFile) -> str:
    """What a person can do about a file that is missing or wrong."""
    if not file.url:
        return (
            f"Nobody publishes this file for programs. Put yours there as {file.path} and its SHA-256 into {SUMS} "
            f"(sha256sum {file.path} >> {SUMS}). On Modal: modal volume put pugmark-weights"
        )
    from modal_backend.registry import MODELS

    model = next((name for name, entry in MODELS.items() if file in entry.files), file.path.split("/")[0])
    return (
        f"Run: {FETCH} {model}; or copy it from {file.url}. "
        "On Modal: modal run -m modal_backend.modal_app::download_weights"
    )


def wanted_of(file: WeightFile, where: Path) -> Wanted | None:
    """What the file must be; None when nothing says it."""
    own = sums(where).get(file.path)
    if own is not None:
        published = file.algorithm == "sha256" and own.startswith(file.digest)
        return Wanted("sha256", own, own=not published)
    if file.digest:
        return Wanted(file.algorithm, file.digest, file.size)
    pinned = pin_of(where / file.path)
    if pinned.is_file():
        words = pinned.read_text(encoding="ascii", errors="replace").split()
        if words and len(words[0]) == 64:
            return Wanted("sha256", words[0].lower(), file.size)
    return None


def pin_of(place: Path) -> Path:
    """The file beside a weight file that keeps its SHA-256."""
    return place.with_name(place.name + ".sha256")


def pin(place: Path, sha256: str) -> None:
    """Write down the SHA-256 of a file, in the form `sha256sum -c` reads."""
    with whole_file(pin_of(place)) as part:
        part.write_text(f"{sha256}  {place.name}\n", encoding="ascii")


def sums(where: Path) -> dict[str, str]:
    """SHA-256 by path, from the folder's SHA256SUMS (lines of `sha256sum`)."""
    listed = where / SUMS
    if not listed.is_file():
        return {}
    pairs = [line.split(maxsplit=1) for line in listed.read_text(encoding="utf-8").splitlines() if line.strip()]
    return {
        name.strip().lstrip("*").removeprefix("./"): digest.lower()
        for digest, name in (pair for pair in pairs if len(pair) == 2)
        if len(digest) == 64
    }


def digests(place: Path, algorithm: str) -> tuple[str, str]:
    """SHA-256 and the hash by another algorithm, in one reading."""
    sha256 = hashlib.sha256()
    other = sha256 if algorithm == "sha256" else hashlib.new(algorithm)
    with place.open("rb") as opened:
        while block := opened.read(BLOCK):
            sha256.update(block)
            if other is not sha256:
                other.update(block)
    return sha256.hexdigest(), other.hexdigest()
