"""Synthetic ranger notes about the stations of the sample survey: the same for a seed, and marked as made up."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pandas as pd

from app.sample.plan import DAYS, START, station_name

LABEL = "Ranger notes (synthetic)"
STATIONS = 4
NOTES = 320
OBSERVERS = ("observer A", "observer B", "observer C")

# What is told at a station of each kind and hardly anywhere else.
OF_KIND = {
    "Ridge": (
        "Langur alarm calls from the rocky slope", "Scrape with fresh scent mark on the ridge line",
        "Strong wind moved the camera strap, lens turned to the sky", "Vultures circling above the cliff",
        "Sambar hoof prints on loose stones", "Bear scat full of berries under the overhang",
        "Rain washed the slope, path collapsed below the cliff", "Pug marks across the saddle, heading north",
    ),
    "Ford": (
        "River crossing too deep after rain, waited an hour", "Otter spraint on the flat stone at the ford",
        "Pug marks in wet sand beside the river crossing", "Fishing net found in the river, removed it",
        "Crocodile basking on the sand bank", "Kingfisher sat on the camera all morning",
        "Elephant herd drank at the river at dusk", "Flood water reached the camera housing, dried it",
    ),
    "Salt lick": (
        "Chital herd at the salt lick, many fawns", "Gaur bull digging at the mineral soil",
        "Porcupine quills left beside the salt lick", "Wild boar wallow next to the salt lick, fresh mud",
        "Elephant calf kept close to its mother at the mineral soil", "Salt block put out by herders, took it away",
        "Dhole pack chased chital from the salt lick", "Fresh rubbing marks on the tree by the wallow",
    ),
    "Old road": (
        "Motorbike tracks on the old road, after dark", "Wire snare removed from the fence line",
        "Cattle grazing along the old road, talked to the herder", "Woodcutter camp with warm ashes, nobody there",
        "Truck tyre marks, gate was left open", "Snare made of brake cable near the culvert",
        "Domestic dog followed the patrol along the road", "Litter and plastic bottles at the culvert",
    ),
}  # fmt: skip
ANYWHERE = (
    "Changed batteries and the memory card", "Camera works, time checked", "Leaves cleared in front of the camera",
    "No sign of animals today", "Patrol with two people, clear weather", "Hot afternoon, little movement",
    "Peafowl calling in the morning", "Camera strap tightened", "Photos downloaded, all good",
    "Grass cut low to stop false triggers", "Light rain at night", "Old pug marks, not measured",
)  # fmt: skip
INDIVIDUALS = ("Stripe-01", "Stripe-02", "Stripe-05")


def example_notes(seed: int = 7, count: int = NOTES) -> pd.DataFrame:
    """Notes with date, station, observer, individual and text, one row each."""
    random = np.random.default_rng(seed)
    rows = []
    for _ in range(count):
        number = int(random.integers(STATIONS))
        station = station_name(number)
        kind = list(OF_KIND)[number]
        words = [str(random.choice(OF_KIND[kind]))] if random.random() < 0.75 else []
        words += [
            str(phrase)
            for phrase in random.choice(ANYWHERE, 2 - len(words) + int(random.random() < 0.3), replace=False)
        ]
        random.shuffle(words)
        seen = "Pug marks" in " ".join(words) and random.random() < 0.6
        rows.append(
            {
                "date": (START + timedelta(days=int(random.integers(DAYS)))).date().isoformat(),
                "station": station,
                "observer": OBSERVERS[int(random.integers(len(OBSERVERS)))],
                "individual": INDIVIDUALS[int(random.integers(len(INDIVIDUALS)))] if seen else "",
                "text": ". ".join(words) + ".",
            }
        )
    return pd.DataFrame(rows).sort_values("date", kind="stable", ignore_index=True)


COLUMNS: dict[str, str | None] = {
    "text": "text",
    "category": "station",
    "date": "date",
    "station": "station",
    "individual": "individual",
}
