"""Which station and which deployment the folders of a file name."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path, PurePath, PurePosixPath

# Where a camera begins its own folders: DCIM (JEITA CP-3461), AVCHD, MP_ROOT and M4ROOT (camcorders).
CARD_ROOTS = frozenset({"dcim", "avchd", "mp_root", "m4root"})
# DCIM beside another one of several cards in one folder: DCIM 1, DCIM (2), DCIM - Copy.
OTHER_CARD = re.compile(r"DCIM(?:\d{1,2}|[ _.-]+[\w() -]+|\(\d{1,2}\))", re.IGNORECASE)
# What file managers add to the name of a second folder: 100MEDIA (1), 100MEDIA - Copy (2), 100MEDIA copy.
COPY = re.compile(
    r"(?: ?\(\d{1,2}\)|(?: -)? (?:copy|kopie|copie|copia|cópia|kopia|копия)(?: \d{1,2})?)+$", re.IGNORECASE
)
# Folders that cameras make there: 100MEDIA, 100_BTCF, 100STC, 10140312, 202403_A and 2024_03_12 by rules, the others by
# makers.
CAMERA_FOLDER = re.compile(
    r"\d{3}[A-Z_][A-Z0-9_]{1,4}|1\d{7}|\d{6}_[A-Z_]|20\d\d[-_.]?\d\d[-_.]?\d\d"
    r"|(DCIM|MFDC|PICT|IMAG|IMG|DSC|DSCF|MEDIA|PHOTO|VIDEO|MOVIE|SYFW|RCNX)[ _]?\d{0,5}"
    r"|(PICTURE|PHOTO|VIDEO|MOVIE|IMAGE|STILL)S?|CAMERA|CANONMSC|EOSMISC|MISC|NORMAL|M_ROOT|THUMB|THM|BDMV|STREAM"
    r"|CLIP|TLS|JPE?G|AVI|MP4|MOV|RAW|TIME[ _-]?LAPSE|EVENTS?",
    re.IGNORECASE,
)
# One of a pair of cameras: CamA, Camera 2, B, left, in the languages of the field.
CAMERA_OF_PAIR = re.compile(
    r"(?:cam(?:era)?|c[aá]mara|c[aâ]mera|cam[eé]ra|kamera|камера)[ _.-]?(?:[A-DАБВГ]|0?[1-4])|[ABLR]"
    r"|DCIM[ _.-]*(?:[1-4]|\([1-4]\))"
    r"|left|right|links|rechts|gauche|droite|izquierd[ao]|derech[ao]|esquerd[ao]|direit[ao]|kiri|kanan|лев[аы][яй]|прав[аы][яй]",
    re.IGNORECASE,
)
CAMERAS_A_STATION = 3
NAMELESS = frozenset({"", "no name", "untitled", "disk", "usb", "sdcard", "removable disk", "volumes", "media", "mnt"})


@dataclass(frozen=True, slots=True)
class Place:
    """Names of a station and of a deployment of it."""

    station: str
    deployment: str


def place_of(path: str, *, card: str, on_card: bool = False) -> Place | None:
    """The place a file's folders name; None where only the camera's own folders are left and the card has no name.

    A last folder like CamA or left is one camera of the station above it. A zip stands for the folders in it; where
    these name no place, it does.

    Args:
        path: of the file in its import, with "/" between folders and zips.
        card: name of the folder or zip that is imported, "" for none.
        on_card: the import itself lies below DCIM.
    """
    folders = place_folders(_unpacked(PurePosixPath(composed(path)).parent.parts), on_card=on_card)
    card = composed(card)
    if card and _needs_name(folders):
        folders = [card, *folders]
    if not folders:
        return None
    is_pair = len(folders) > 1 and CAMERA_OF_PAIR.fullmatch(folders[-1])
    return Place("/".join(folders[:-1] if is_pair else folders), "/".join(folders))


def place_in_chosen(path: str) -> Place | None:
    """The place of a file below a folder that was chosen: that folder names it only where those in it do not."""
    name, _, within = path.partition("/")
    return place_of(within, card=card_name(PurePath(name)), on_card=is_on_card(PurePath(name)))


def _unpacked(folders: tuple[str, ...]) -> tuple[str, ...]:
    """The folders, with the name of a zip where nothing in it names a place, and without it elsewhere."""
    kept: list[str] = []
    for at, folder in enumerate(folders):
        if not folder.lower().endswith(".zip"):
            kept.append(folder)
        elif _needs_name(place_folders(_unpacked(folders[at + 1 :]))):
            kept.append(folder[: -len(".zip")])
    return tuple(kept)


def _needs_name(folders: list[str]) -> bool:
    """Whether these folders name no place, or only a camera of one."""
    return not folders or (len(folders) == 1 and bool(CAMERA_OF_PAIR.fullmatch(folders[0])))


def settled(places: Iterable[Place]) -> dict[Place, str]:
    """The station of each of these deployments: with more than three cameras below one folder each is its own."""
    places = list(places)
    cameras = Counter(place.station for place in places if place.station != place.deployment)
    return {
        place: place.deployment if cameras[place.station] > CAMERAS_A_STATION else place.station for place in places
    }


def place_folders(folders: tuple[str, ...], *, on_card: bool = False) -> list[str]:
    """The folders that name a place: all above DCIM, and below it those that no camera makes."""
    kept: list[str] = []
    for folder in folders:
        if folder.lower() in CARD_ROOTS:
            if not on_card and kept and kept[-1].upper() == "PRIVATE":
                kept.pop()
            on_card = True
        elif not on_card or not CAMERA_FOLDER.fullmatch(COPY.sub("", folder)):
            kept.append(folder)
            on_card = on_card or bool(OTHER_CARD.fullmatch(folder))
    return kept


def card_name(root: PurePath) -> str:
    """What an imported folder is called: its own name or that of the folder that holds DCIM; "" if it has none."""
    parts = root.parts[1:] if root.anchor else root.parts
    above = place_folders(parts)
    name = above[-1] if above else ""
    return "" if is_on_card(root) and name.lower() in NAMELESS else composed(name)


def is_on_card(root: PurePath) -> bool:
    """Whether a path is DCIM, also of another card (DCIM 2), or lies below it."""
    return any(part.lower() in CARD_ROOTS or OTHER_CARD.fullmatch(part) for part in root.parts)


def is_nameless_card(root: Path) -> bool:
    """Whether this is a card, or a folder of one, that has no name to call a deployment by."""
    if is_on_card(root):
        return not card_name(root)
    return root.name.lower() in NAMELESS and any((root / name).is_dir() for name in ("DCIM", "dcim"))


def composed(name: str) -> str:
    """A name in Unicode's composed form (NFC), so that names that look alike are alike."""
    return unicodedata.normalize("NFC", name)
