"""Login with an OpenID provider that runs beside the test: who is on a list comes in and out again, nobody else."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import pytest
from oidc_provider_mock import User, run_server_in_thread
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import ClientConnection, connect

from tests.support.dashboards import dashboard, reachable
from tests.support.waiting import wait_until

ADDRESSES = {"ana": "ana@example.org", "vera": "vera@example.org", "eve": "eve@other.org"}
AUTH = """[auth]
redirect_uri = "{address}/oauth2callback"
cookie_secret = "a long random text that only these tests know"
client_id = "pugmark"
client_secret = "secret"
server_metadata_url = "{provider}/.well-known/openid-configuration"
"""


class Page(NamedTuple):
    """What a run of a page brought. buttons: ids by label. pages: of the others, by their name in the address."""

    text: str
    buttons: dict[str, str]
    pages: dict[str, str]
    redirect: str


@dataclass
class Browser:
    """Keeps the cookies of one person."""

    address: str
    client: httpx.Client = field(default_factory=lambda: httpx.Client(follow_redirects=True, timeout=60))

    def page(self, name: str = "", press: str = "") -> Page:
        """Run a page, the first one without a name; press: the label of a button on it."""
        return asyncio.run(self._page(name, press))

    async def _page(self, name: str, press: str) -> Page:
        self.client.get(f"{self.address}/_stcore/health")  # brings the token without which no cookie counts
        cookies = "; ".join(f"{name}={value}" for name, value in self.client.cookies.items())
        protocols: list[Any] = ["streamlit", self.client.cookies["_streamlit_xsrf"]]
        async with connect(
            f"ws{self.address.removeprefix('http')}/_stcore/stream",
            origin=self.address,  # type: ignore[arg-type]
            subprotocols=protocols,
            additional_headers={"Cookie": cookies},
            open_timeout=60,
            max_size=None,
        ) as socket:
            shown = await run(socket)
            shown = await run(socket, shown.pages[name]) if name else shown
            return await run(socket, shown.pages.get(name, ""), shown.buttons[press]) if press else shown

    def log_in(self, name: str) -> None:
        """Press the button, and say to the provider who one is."""
        form = self.client.get(f"{self.address}{self.page(press='Log in').redirect}")
        assert self.client.post(str(form.url), data={"sub": name}).status_code == 200


async def run(socket: ClientConnection, page: str = "", button: str = "") -> Page:
    asked = BackMsg()
    asked.rerun_script.page_script_hash = page
    if button:
        asked.rerun_script.widget_states.widgets.add(id=button, trigger_value=True)
    await socket.send(asked.SerializeToString())
    text, redirect, buttons, pages = "", "", dict[str, str](), dict[str, str]()
    async with asyncio.timeout(120):
        while True:
            message = ForwardMsg.FromString(await socket.recv())  # type: ignore[arg-type]
            text += str(message).replace("\\", "")
            shown = message.delta.new_element.button
            buttons |= {shown.label: shown.id} if shown.id else {}
            pages |= {app_page.url_pathname: app_page.page_script_hash for app_page in message.navigation.app_pages}
            redirect = message.auth_redirect.url or redirect
            if redirect or (message.WhichOneof("type") == "script_finished" and not button):
                return Page(text, buttons, pages, redirect)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("login")
    (data_dir := folder / "data").mkdir()
    people = [User(sub=name, claims={"email": email}) for name, email in ADDRESSES.items()]
    lists = {"PUGMARK_ADMINS": "ana@example.org", "PUGMARK_VIEWERS": "example.org"}
    secrets = folder / "secrets.toml"
    with (
        run_server_in_thread(user_claims=people) as provider,
        dashboard(data_dir, folder / "log", STREAMLIT_SECRETS_FILES=str(secrets), **lists) as server,
    ):
        secrets.write_text(AUTH.format(address=server.address, provider=f"http://localhost:{provider.server_port}"))
        wait_until(lambda: reachable(server.address))
        yield server.address


def test_whoever_has_not_logged_in_sees_the_button_alone(address: str) -> None:
    page = Browser(address).page()
    assert "Log in to go on" in page.text
    assert list(page.buttons) == ["Log in"]


@pytest.mark.parametrize(("name", "role"), [("ana", "an admin"), ("vera", "a viewer")])
def test_who_is_on_a_list_comes_in_with_their_role_and_out_again(address: str, name: str, role: str) -> None:
    browser = Browser(address)
    browser.log_in(name)
    page = browser.page("operations")
    assert f"You are {ADDRESSES[name]}, {role} of this survey" in page.text
    left = browser.page("operations", "Log out").redirect
    browser.client.get(f"{address}{left}", follow_redirects=False)
    assert "Log in to go on" in browser.page().text


def test_a_stranger_whom_the_provider_knows_stays_outside(address: str) -> None:
    browser = Browser(address)
    browser.log_in("eve")
    page = browser.page()
    assert "eve@other.org is on no list of this survey" in page.text
    assert list(page.buttons) == ["Log in as somebody else"]


def test_a_cookie_that_somebody_wrote_themselves_is_worth_nothing(address: str) -> None:
    browser = Browser(address)
    browser.client.cookies.set("_streamlit_user", '{"email": "ana@example.org", "is_logged_in": true}')
    assert "Log in to go on" in browser.page().text
