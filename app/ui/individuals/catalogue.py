"""The catalogue: every individual with its best crop, dense, searched and sorted by the address."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from app import deps
from app.survey.decisions.kinds import Undo
from app.survey.detections.boxes import boxes
from app.survey.individuals import catalogue
from app.survey.individuals.catalogue import CatalogueEntry, Order
from app.ui.shared.address import Individuals, go
from app.ui.shared.component import is_new
from app.ui.shared.crops.crops import crop_gallery
from app.ui.shared.decisions import undo_button
from app.ui.shared.paging import page_of
from app.ui.shared.words import many

A_PAGE = 60
ORDERS = {Order.NAME: "name", Order.SIGHTINGS: "most sightings", Order.NEWEST: "newest"}
SEX_SIGNS = {"female": "♀", "male": "♂"}


def catalogue_view() -> None:
    """The gallery; opening one puts its id into the address."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        search = st.text_input("Search a name", placeholder="T-0", width=260, **Individuals.SEARCH.bound())
        order = st.selectbox(
            "Order", list(ORDERS), format_func=ORDERS.__getitem__, width=180, **Individuals.ORDER.bound()
        )
        undo_button(Undo.INDIVIDUALS)
    with deps.survey().read() as session:
        found = catalogue.count(session, search or "")
        start = page_of(found, A_PAGE, **Individuals.PAGE.bound()).start
        entries = catalogue.entries(session, search or "", Order(order or Order.NAME), limit=A_PAGE, offset=start)
    if not entries:
        st.info("No individual has this name.")
        return
    opened = crop_gallery(entry_items(entries), key="individuals")
    if is_new("individuals", opened.count) and opened.id:
        go({Individuals.ID: opened.id})


def entry_items(entries: Sequence[CatalogueEntry]) -> list[dict[str, object]]:
    """One item an individual, with its best crop; its id is that of the individual."""
    covers = deps.read(boxes, [entry.cover_detection_id for entry in entries if entry.cover_detection_id])
    return [
        {
            "id": entry.id,
            "src": deps.box_crop_url(covers[entry.cover_detection_id]) if entry.cover_detection_id in covers else "",
            "label": " ".join(part for part in (entry.name, SEX_SIGNS.get(entry.sex or "")) if part),
            "sub": f"{many(entry.sightings, 'sighting')} · {many(entry.stations, 'station')}",
            "badge": badge(entry),
        }
        for entry in entries
    ]


def badge(entry: CatalogueEntry) -> str:
    """What is unusual about it."""
    parts = ["dead"] if entry.life_status == "dead" else []
    if entry.age_class in ("cub", "subadult"):
        parts.append(entry.age_class)
    if not entry.sightings:
        parts.append("no sighting left")
    return " · ".join(parts) or (entry.species or "")
