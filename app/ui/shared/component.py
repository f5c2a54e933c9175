"""Registers the custom components: their scripts and styles lie beside them and nothing comes from elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from app.web.scripts import script_address

SHARED_CSS = Path(__file__).parent / "shared.css"
LOADER = """
const {{ default: component }} = await import(new URL("{address}", location.origin).href);
export default component;
"""


def register(folder: Path, *states: str) -> Callable[..., Any]:
    """Register the component of a folder: its script and its style sheet bear the folder's name. Call once, at import.

    Streamlit takes one script as text: it loads the real module, which imports what it needs from its neighbours.

    Args:
        states: what the script reports, read from the result by these names.

    Returns:
        Draws it; takes `key` and `data`.
    """
    css = [SHARED_CSS, folder / f"{folder.name}.css"]
    component: Any = st.components.v2.component(
        f"pugmark_{folder.name}",
        js=LOADER.format(address=script_address(folder / f"{folder.name}.js")),
        css="\n".join(path.read_text(encoding="utf-8") for path in css),
    )
    return partial(component, **{f"on_{state}_change": _nothing for state in states})


def _nothing() -> None:
    """States are read from the result; Streamlit wants a callback for them to be allowed."""


def is_new(key: str, count: int) -> bool:
    """Whether a component has reported something since this was last asked. count: rises with every report."""
    seen = st.session_state.get(f"{key}-opened", 0)
    st.session_state[f"{key}-opened"] = count
    return bool(count != seen)
