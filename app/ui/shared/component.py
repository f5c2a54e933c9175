"""Registers the custom components: their scripts and styles lie beside them and nothing comes from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import streamlit as st

from app.web.scripts import script_address

SHARED_CSS = Path(__file__).parent / "shared.css"
LOADER = """
const {{ default: component }} = await import(new URL("{address}", location.origin).href);
export default component;
"""


def register(folder: Path) -> Any:
    """Register the component of a folder: its script and its style sheet bear the folder's name. Call once, at import.

    Streamlit takes one script as text: it loads the real module, which imports what it needs from its neighbours.
    """
    css = [SHARED_CSS, folder / f"{folder.name}.css"]
    return st.components.v2.component(
        f"pugmark_{folder.name}",
        js=LOADER.format(address=script_address(folder / f"{folder.name}.js")),
        css="\n".join(path.read_text(encoding="utf-8") for path in css),
    )
