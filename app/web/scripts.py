"""The components' scripts, served as the ES modules they are, so that one can import another."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response

FOLDER = Path(__file__).resolve().parents[1] / "ui"
KEPT = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}


@cache
def scripts_version() -> str:
    """Twelve characters that change with every script: browsers may keep the scripts of one version for ever."""
    digest = sha256()
    for path in sorted(FOLDER.rglob("*.js")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def script_address(path: Path) -> str:
    """Address of a script under app/ui."""
    return f"/scripts/{scripts_version()}/{path.relative_to(FOLDER).as_posix()}"


async def script(request: Request) -> Response:
    """Answer /scripts/{version}/{path}: a script of this version, nothing else."""
    path = (FOLDER / request.path_params["path"]).resolve()
    known = request.path_params["version"] == scripts_version() and path.is_relative_to(FOLDER)
    if not known or path.suffix != ".js" or not path.is_file():
        return PlainTextResponse("There is no such script: reload the page.", status_code=404)
    return FileResponse(path, media_type="text/javascript", headers=KEPT)
