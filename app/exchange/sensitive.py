"""Which species are hunted, so that nobody may read from a file where exactly they live."""

from __future__ import annotations

import re
from functools import cache

from app.survey.species_names import names
from modal_backend.notes.categories import plain_name

# Species, and genera of which all are.
SENSITIVE = frozenset(
    {
        "panthera", "neofelis", "acinonyx jubatus", "lynx pardinus", "diceros bicornis", "ceratotherium simum",
        "rhinoceros", "dicerorhinus sumatrensis", "elephas maximus", "loxodonta", "manis", "smutsia", "phataginus",
    }
)  # fmt: skip
# Words by which people call them where they live when they do not say the whole name. Gathered without a published
# list, and not looked through by speakers of these languages.
CALLED = (
    "tiger", "tigress", "leopard", "leopardess", "jaguar", "lion", "lioness", "cheetah", "rhino", "rhinoceros",
    "elephant", "pangolin",
    "tigre", "tigresse", "tigresa", "leopardo", "panthere", "pantera", "leon", "leona", "leao", "onca", "elefante",
    "rinoceronte", "tigerin", "lowin", "nashorn", "elefant",
    "тигрица", "львица", "барс", "слон", "носорог", "ирвэс",
    "harimau", "macan", "gajah", "badak", "trenggiling", "ho", "cop", "bao hoa mai", "voi", "te giac", "te te",
    "simba", "chui", "duma", "tembo", "ndovu", "kifaru", "bagh", "sher", "hathi", "gainda", "chituwa",
    "বাঘ", "চিতাবাঘ", "হাতি", "গণ্ডার", "वाघ", "बिबट्या", "चितुवा", "हात्ती", "हत्ती", "புலி", "சிறுத்தை", "யானை",
    "పులి", "చిరుత", "ఏనుగు", "ಹುಲಿ", "ಚಿರತೆ", "ಆನೆ", "കടുവ", "പുലി", "ആന",
    "ببر", "پلنگ", "یوزپلنگ", "شیر", "فیل", "نمر", "اسد",
    "豹", "狮", "獅", "象", "犀", "穿山甲", "トラ", "ヒョウ", "ライオン", "ゾウ", "サイ", "センザンコウ",
    "호랑이", "표범", "사자", "코끼리", "코뿔소", "천산갑", "เสือ", "ช้าง", "แรด", "ลิ่น", "ເສືອ", "ຊ້າງ", "ខ្លា", "ដំរី",
    "ကျား", "ဆင်",
)  # fmt: skip
# Blocks of scripts that put no space between words: Thai, Lao, Burmese, Khmer, kana, Han, Hangul (which joins names).
UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1100-\u11ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
MARKS = re.compile(r"[_\-–—/\\?!().,;:+&|*\[\]{}'\"’“”]+")


@cache
def is_sensitive(species: str | None) -> bool:
    """Whether places of this species are coarsened; a species nobody named counts as sensitive.

    It is known by its scientific name, also short (P. tigris) or of a subspecies, and by its common names, also in the
    plural and within a longer label (Bengal tigers, tigre macho, Tiger_male) that is not another species' name.
    """
    label = _plain(species or "")
    if not label:
        return True
    forms = {" ".join(word.removesuffix(plural) for word in label.split()) for plural in ("", "s", "es")}
    known = {name for form in forms for name in _by_name().get(form, ())} or _beginning_with(label)
    if known:
        return any(map(_is_listed, known))
    return any(map(_is_listed, forms)) or any(_within(name, form) for name in _sensitive_names() for form in forms)


def _plain(text: str) -> str:
    """Plain words with one space between them."""
    return " ".join(MARKS.sub(" ", plain_name(text)).split())


def _beginning_with(label: str) -> set[str]:
    """The species with a longer name that begins with these words; none for a single word, which says too little."""
    if " " not in label:
        return set()
    return {latin for name, species in _by_name().items() if name.startswith(f"{label} ") for latin in species}


def _within(name: str, label: str) -> bool:
    """Whether a name is among the words of a label, or anywhere in it where the script has no spaces."""
    return name in label if UNSPACED.search(name) else f" {name} " in f" {label} "


def _is_listed(name: str) -> bool:
    """Whether a scientific name is of a sensitive species, or of a subspecies of one."""
    words = name.lower().split()
    return " ".join(words[:2]) in SENSITIVE or words[0] in SENSITIVE


@cache
def _by_name() -> dict[str, frozenset[str]]:
    """The species of each name, scientific or common."""
    found: dict[str, set[str]] = {}
    for species in names.known().values():
        for name in (species.name, *(name for some in species.common.values() for name in some)):
            found.setdefault(_plain(name), set()).add(species.name)
    return {name: frozenset(species) for name, species in found.items()}


@cache
def _sensitive_names() -> frozenset[str]:
    """The names of sensitive species as they are looked for in a label."""
    listed = {name: [latin for latin in species if _is_listed(latin)] for name, species in _by_name().items()}
    short = {
        f"{latin[0].lower()} {latin.split()[1]}" for species in listed.values() for latin in species if " " in latin
    }
    return frozenset({name for name, species in listed.items() if species} | short | SENSITIVE | {*map(_plain, CALLED)})
