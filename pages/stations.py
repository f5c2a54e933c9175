"""Stations: where and when cameras worked, how well, and whether their clocks are right."""

from __future__ import annotations

import streamlit as st

from app import deps
from app.survey.media.stations import deployment_views
from app.ui.shared.address import Stations
from app.ui.shared.header import page_header
from app.ui.shared.navigation import upload_page
from app.ui.shared.words import many
from app.ui.stations.clocks import clocks_view
from app.ui.stations.edit import edit_deployment, unsorted_media
from app.ui.stations.file import stations_from_file
from app.ui.stations.health import health_view
from app.ui.stations.stamps import FROM_PICTURES, stamps_view
from app.ui.stations.table import stations_form

ABOUT = "Where and when your cameras worked. A wrong station or a wrong hour spoils everything that is counted later."
PLACES, CLOCKS, HEALTH = "Stations", "Clocks", "Camera health"

deployments = deps.read(deployment_views)
stations = len({deployment.station for deployment in deployments})
page_header("Stations", ABOUT, f"{many(stations, 'station')} · {many(len(deployments), 'deployment')}")
view = st.segmented_control(
    "View", (PLACES, CLOCKS, FROM_PICTURES, HEALTH), default=Stations.VIEW.default, label_visibility="collapsed",
    required=True, **Stations.VIEW.bound(),
)  # fmt: skip
if view == CLOCKS:
    clocks_view()
elif view == FROM_PICTURES:
    stamps_view()
elif view == HEALTH:
    health_view()
else:
    unsorted_media(deployments)
    if not deployments:
        st.info("Folders name stations when you import media. You can also make one here.")
        st.page_link(upload_page(), label="Bring in your images", icon=":material/upload:")
    stations_form(expanded=True)
    stations_from_file()
    edit_deployment(deployments)
