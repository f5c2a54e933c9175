"""Every route has a role: a person who lost theirs gets nothing more by an address they were given before."""

from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from app.survey.roles import Role
from app.web.routes import build_routes
from app.web.services import Services
from app.web.tokens import EXPORT, READ, UPLOAD

OPEN, MACHINE = "everybody", "this machine"
# Who may ask: a role, everybody, or this machine and the metrics token.
ROUTES = {
    ("/healthz", "GET"): OPEN,
    ("/scripts/{version}/{path:path}", "GET"): OPEN,
    ("/api/species", "GET"): OPEN,
    ("/metrics", "GET"): MACHINE,
    ("/api/stats", "GET"): Role.VIEWER,
    ("/thumbs/{name}", "GET"): Role.VIEWER,
    ("/crops/{name}", "GET"): Role.VIEWER,
    ("/files/{sha256}", "GET"): Role.VIEWER,
    ("/frames/{sha256}/{name}", "GET"): Role.VIEWER,
    ("/views/{name}", "GET"): Role.VIEWER,
    ("/api/export/{number:int}/{name}", "GET"): Role.REVIEWER,
    ("/api/uploads/{batch}/{path:path}", "PUT"): Role.REVIEWER,
    ("/api/uploads/{batch}/{path:path}", "HEAD"): Role.REVIEWER,
}
NAMES = {
    "{name}": "0" * 64 + ".jpg", "{sha256}": "0" * 64, "{number:int}": "1", "{batch}": "batch-1",
    "{path:path}": "one.jpg", "{version}": "1",
}  # fmt: skip


def filled(path: str) -> str:
    if path.startswith("/crops"):
        return f"/crops/1-{'0' * 8}.jpg"
    if path.startswith("/frames"):
        return f"/frames/{'0' * 64}/1.jpg"
    for name, value in NAMES.items():
        path = path.replace(name, value)
    return path


def routes_of(services: Services) -> list[tuple[str, str]]:
    return [
        (route.path, method)
        for route in build_routes(services)
        for method in sorted(route.methods or ())
        if not (method == "HEAD" and "GET" in (route.methods or ()))
    ]


def test_every_route_has_a_role(services):
    assert set(routes_of(services)) == set(ROUTES)


@pytest.mark.parametrize("role", [None, Role.VIEWER, Role.REVIEWER], ids=["nobody", "viewer", "reviewer"])
def test_routes_refuse_those_who_lack_the_role_also_with_an_older_token(services, role):
    tokens = {
        purpose: services.signer.sign(purpose, subject, 3600, "vera@example.org")
        for purpose, subject in ((READ, "page"), (EXPORT, "1"), (UPLOAD, "batch-1"))
    }
    services.signer.role_of = {"vera@example.org": role}.get
    client = TestClient(Starlette(routes=build_routes(services)), client=("203.0.113.5", 50000))
    for (path, method), needed in ROUTES.items():
        token = tokens[EXPORT if "export" in path else READ]
        headers = {"Authorization": f"Bearer {tokens[UPLOAD]}"}
        status = client.request(method, f"{filled(path)}?t={token}", headers=headers, content=b"").status_code
        if needed in (OPEN, MACHINE):
            assert (status == 403) is (needed is MACHINE), path
        else:
            assert (status == 403) is ((role or 0) < needed), (path, method, status)
