"""Every component with generated pictures; ?show=grid|viewer|match|video|crops|uploader. Below: what it received.

Another address given at the bottom shows another component from its start, without a new page.
"""

# ruff: noqa: E402 (the import path is set before the first own import)
from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from urllib.parse import parse_qsl

ROOT = Path(__file__).resolve().parents[2]
if str(ROOT) not in sys.path:
    sys.path.insert(0, str(ROOT))

import streamlit as st

from app import deps
from app.ui.detections.grid.grid import bulk_actions, media_grid
from app.ui.detections.viewer.viewer import media_viewer, review_state
from app.ui.identify.match.match import identify_state, match_view
from app.ui.shared.crops.crops import crop_gallery
from app.ui.shared.header import page_header
from app.ui.shared.status_strip import status_strip
from app.ui.shared.style import page_style
from app.ui.upload.uploader.uploader import uploader
from app.ui.videos.frames.frames import marks_of, video_frames

st.set_page_config(layout="wide")
page_style()
status_strip()
MEDIA = json.loads((deps.settings().data_dir / "gallery.json").read_text())
SPECIES = [
    {"name": name, "common": common, "used": 0}
    for name, common in {"Panthera tigris": "tiger", "Panthera pardus": "leopard", "Axis axis": "chital"}.items()
]
ASKED = dict(parse_qsl(st.session_state.get("asked", ""))) or st.query_params.to_dict()
SLOW = float(ASKED.get("slow", "0"))
KEY = ASKED.get("show", "grid") + ASKED.get("number", "")
if st.session_state.get("shown") != KEY:
    st.session_state.update(shown=KEY, runs=0, ack=0, applied={})
st.session_state.runs += 1
applied = st.session_state.applied


def take(actions: list[dict]) -> int:
    """What a page does: apply each action once, and acknowledge."""
    for action in actions:
        applied.setdefault(action["uuid"], action)
    if actions:
        st.session_state.ack = max(st.session_state.ack, *(action["n"] for action in actions))
    return st.session_state.ack


def show_grid() -> object:
    items = [
        {
            "id": media["id"], "thumb": deps.thumb_url(media["sha256"]), "w": media["w"], "h": media["h"],
            "label": f"IMG_{media['id']:04}.JPG · 05:{media['id'] % 60:02}",
            "badges": ["synthetic"] if media["id"] % 7 == 0 else [], "boxes": media["boxes"], "group": media["id"] // 9,
            "event": {"id": media["id"] // 9, "title": f"Ridge {media['id'] // 9 + 1} · 12 Mar 2024 · 9 images"},
        }
        for media in MEDIA
    ]  # fmt: skip
    ack = take(bulk_actions(KEY))
    time.sleep(SLOW)
    order = [(media["id"], media["id"] // 9) for media in MEDIA]
    return media_grid(items[:60], 0.2, key=KEY, order=order, ack=ack, species_choices=SPECIES, as_of=1.0)


def show_viewer() -> object:
    state = review_state(KEY)
    ack = take(state.actions)
    time.sleep(SLOW)
    cursor = state.cursor or 0
    offset = max(0, cursor - 20)
    window = [
        {
            "id": media["id"], "src": deps.view_url(media["sha256"]), "w": media["w"], "h": media["h"],
            "title": f"IMG_{media['id']:04}.JPG",
            "facts": ["Ridge 3", "12 Mar 2024 05:41", "RECONYX HC500", "image 3 of 9 of this event"],
            "verdict": None,
            "boxes": [{**box, "verdict": None, "species": None, "drawn": False} for box in media["boxes"]],
        }
        for media in MEDIA[offset : offset + 60]
    ]  # fmt: skip
    media_viewer(
        window, key=KEY, threshold=0.2, cursor=cursor, offset=offset, total=len(MEDIA), ack=ack,
        species_choices=SPECIES, as_of=1.0,
    )  # fmt: skip
    return review_state(KEY)


def crop(number: int, rank: int = 0) -> dict:
    media = MEDIA[number % len(MEDIA)]
    flank = ["left", "right", "unknown"][number % 3]
    facts = ["Ridge 3", f"12 Mar 2024 05:{number % 60:02}"]
    query = {"id": number, "src": deps.crop_url(media["crop"]), "flank": flank, "facts": facts}
    return query | {
        "name": [f"T-{number:02}", None][rank % 3 == 2], "individual_id": number,
        "probability": [0.93, 0.41, None][min(rank, 2)],
        "raw": 0.412 - rank * 0.03, "model": "RAPID", "matches": 31 - rank * 3, "verdict": None,
        "lines": [[0.1 + 0.08 * n, n * 7 % 9 / 25, 0.1 + 0.08 * n, n * 5 % 9 / 25] for n in range(10 - rank)],
    }  # fmt: skip


def show_match() -> object:
    state = identify_state(KEY)
    ack = take(state.actions)
    number = max((state.query or 0) + state.step, 0)
    ranked = [[crop(start + rank + 1, rank) for rank in range(9)] for start in range(number, number + 3)]
    verdicts = {
        (action["query_id"], action["candidate_id"]): action["kind"]
        for action in applied.values()
        if action["kind"] in ("same", "different", "unsure")
    }
    for start, candidates in enumerate(ranked, number):
        for candidate in candidates:
            candidate["verdict"] = verdicts.get((start, candidate["id"]))
    if "way" in ASKED:
        ranked[0][0]["by_way_of"] = [{"id": way["id"], "src": way["src"]} for way in (crop(40), crop(41))]
    if state.actions and "fewer" in ASKED:  # ranked again: the first candidate is none any more
        ranked[0] = ranked[0][1:]
    together = [crop(number + 1)] if "burst" in ASKED else []
    match_view(
        {**crop(number), "burst": together}, ranked[0], key=KEY, ack=ack,
        scope_text="24 of 61 crops · all sites · left flank · not this event",
        upcoming=[(crop(number + 1), ranked[1]), ({**crop(number + 2), "burst": together}, ranked[2])],
        as_of=1.0,
    )  # fmt: skip
    return identify_state(KEY)


def show_video() -> None:
    ack = take(marks_of(KEY))
    frames = [
        {
            "number": frame["id"], "second": frame["id"] / 2, "time": f"0:{frame['id']:02}", "boxes": [],
            "src": deps.view_url(frame["sha256"]),
        }
        for frame in MEDIA[:4]
    ]  # fmt: skip
    video_frames(frames, key=KEY, media_id=1, width=MEDIA[0]["w"], height=MEDIA[0]["h"], ack=ack, as_of=1.0)


def show_crops() -> object:
    items = [
        {"id": media["id"], "src": deps.crop_url(media["crop"]), "label": f"T-{media['id']:02}", "sub": "12 sightings"}
        for media in MEDIA[:24]
    ]
    return crop_gallery([item | {"badge": "left"} for item in items], key=KEY)


def show_uploader() -> object:
    batch = f"demo-batch-{KEY}"
    return uploader(batch, deps.upload_token(batch), key=KEY)


shows = {
    "grid": show_grid, "viewer": show_viewer, "match": show_match, "video": show_video, "crops": show_crops,
    "uploader": show_uploader,
}  # fmt: skip
name = ASKED.get("show", "grid")
page_header(
    {"match": "Identify"}.get(name, name.capitalize()), "A component.", "37 crops to decide", {"Enter": "accept, next"}
)
away = st.toggle("Leave this page", key="away")
places = st.container(), st.container()
with places[int(ASKED.get("number", "0")) % 2]:  # in the place of the one before it would go on with what that kept
    result = None if away else shows[name]()
if os.environ.get("PUGMARK_DEMO_QUIET") != "1":
    received = {"key": KEY, "runs": st.session_state.runs, "applied": list(applied.values()), "result": repr(result)}
    st.code(json.dumps(received), language=None)
    st.text_input("Show another", key="asked")
