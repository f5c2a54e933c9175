"""Species by their names, for the field a person types into: public facts, so no token is asked for."""

from __future__ import annotations

import anyio
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from app.survey.species_names.names import Match, find

MOST = 8
LONGEST = 120
KEPT = {"Cache-Control": "public, max-age=86400"}


async def species(request: Request) -> Response:
    """Answer /api/species?q=WORDS with [{name, common}], the best match first."""
    words = request.query_params.get("q", "")[:LONGEST]
    matches = await anyio.to_thread.run_sync(find, words, MOST)
    return JSONResponse([{"name": match.species.name, "common": _shown(match)} for match in matches], headers=KEPT)


def _shown(match: Match) -> str:
    usual = match.species.common.get("en", ("",))[0]
    names = dict.fromkeys(name for name in (match.by, usual) if name)
    return " · ".join(names)
