"""What crosses the wire to Modal and back: dicts, lists, strings, numbers and bytes, nothing else.

A call carries {"contract", "model", "inputs": [...]}; its answer {"contract", "values": [...], "provenance", "seconds",
"cold_start_seconds"} or {"contract", "unavailable": {...}} when the model cannot run there. What
detectors see travels as the JPEG it was decoded from, other pictures as PNG (lossless) at the size at which the model
reads them: both backends see the same pixels. Vectors and features as bytes. Models of text take and give
dicts of plain values, which travel as they are.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, fields, is_dataclass
from typing import Any, get_args, get_type_hints

import numpy as np

from modal_backend.contracts import (
    Box,
    Category,
    Detection,
    Failure,
    JpegFrame,
    Letterboxed,
    LocalFeatures,
    PairMatches,
    PairQuestion,
    Picture,
    Provenance,
    Result,
    SpeciesGuess,
    VideoAnswer,
    VideoQuestion,
)
from modal_backend.errors import BackendMisconfigured, JobFailed, WeightsMissing
from modal_backend.models.stamps.bar import BarStrips, BarText, TextLine
from modal_backend.registry import MODELS

CONTRACT = 1
PNG_LEVEL = 1


def pack_call(inputs: Sequence[Any], model: str = "") -> dict[str, Any]:
    """A call's inputs as plain values: RGB uint8 pictures, a detector's prepared pictures, questions, or dicts.

    Args:
        model: which of the models behind one class is meant; empty for the one it loads when it starts.
    """
    return {"contract": CONTRACT, "model": model, "inputs": [_pack_input(value, model) for value in inputs]}


def estimate(value: Any, model: str) -> int:
    """About how many bytes an input of this model will be on the way, before it is packed."""
    if isinstance(value, np.ndarray):
        side = MODELS[model].side
        return min(value.nbytes, 3 * side * side) // 2
    if data := getattr(value, "coded", b""):
        return len(data)
    return sum(estimate(getattr(value, field.name), model) for field in fields(value)) if is_dataclass(value) else 8


def size(packed: Any) -> int:
    """About how many bytes a packed call is on the way; what is not a picture or a text hardly counts."""
    if isinstance(packed, bytes | str):
        return len(packed)
    if isinstance(packed, dict):
        return sum(map(size, packed.values()))
    return sum(map(size, packed)) if isinstance(packed, list | tuple) else 8


def unpack_call(call: dict[str, Any]) -> list[Any]:
    """The inputs of a call as the models take them, a Failure in the place of one that cannot be read.

    Raises:
        BackendMisconfigured: the caller speaks another contract.
    """
    check_contract(call.get("contract"), "this container", "The caller")
    return [_or_failure(_unpack_input, value) for value in call["inputs"]]


def pack_answer(values: Sequence[Any], provenance: Provenance, seconds: float, cold_start: float) -> dict[str, Any]:
    """What a model gave, as plain values.

    Args:
        cold_start: seconds of loading that this call had to wait for.
    """
    return {
        "contract": CONTRACT,
        "values": [_pack_value(value) for value in values],
        "provenance": {name: getattr(provenance, name) for name in Provenance.__slots__},
        "seconds": seconds,
        "cold_start_seconds": cold_start,
    }


def pack_unavailable(error: BackendMisconfigured) -> dict[str, Any]:
    """That a model cannot run there, why, and what a person can do."""
    missing = isinstance(error, WeightsMissing)
    return {"contract": CONTRACT, "unavailable": {"weights": missing, "reason": str(error), "remedy": error.remedy}}


def unpack_answer(answer: dict[str, Any]) -> Result:
    """The result of a call, a Failure in the place of a value that cannot be read.

    Raises:
        WeightsMissing, BackendMisconfigured: the model could not run there.
        JobFailed: the whole answer cannot be read.
    """
    try:
        return _unpack_answer(answer)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise JobFailed(f"The answer cannot be read: {type(error).__name__}: {error}") from error


def _unpack_answer(answer: dict[str, Any]) -> Result:
    check_contract(answer.get("contract"))
    if "unavailable" in answer:
        answered = answer["unavailable"]
        kind = WeightsMissing if answered["weights"] else BackendMisconfigured
        raise kind(answered["reason"], remedy=answered["remedy"])
    return Result(
        [_or_failure(_unpack_value, value) for value in answer["values"]],
        Provenance(**answer["provenance"]),
        answer["seconds"],
        answer["cold_start_seconds"] or None,
    )


def check_contract(other: Any, this: str = "this program", that: str = "The deployed app") -> None:
    """Raises BackendMisconfigured when the other side speaks another version of these values."""
    if other != CONTRACT:
        raise BackendMisconfigured(
            f"{that} speaks contract {other}, {this} contract {CONTRACT}.",
            remedy="Deploy again: modal deploy -m modal_backend.modal_app",
        )


def _pack_input(value: Any, model: str) -> dict[str, Any]:
    if isinstance(value, np.ndarray):
        from modal_backend.models.sizes import as_read

        return {"kind": "picture", "png": _png(as_read(model, value))}
    if isinstance(value, VideoQuestion):
        frames = [[frame.seconds, frame.jpeg] for frame in value.frames]
        return {"kind": "video question", "text": value.text, "frames": frames, "clip": value.video}
    if isinstance(value, PairQuestion):
        others = [_pack_features(other) for other in value.others]
        return {"kind": "pairs", "query": _pack_features(value.query), "others": others}
    if isinstance(value, dict):
        return {"kind": "plain", "value": value}
    kind = {Letterboxed: "letterboxed", BarStrips: "bar"}.get(type(value), "prepared")
    return {"kind": kind, "fields": _pack_fields(value)}


def _pack_fields(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return _png(value)
    if is_dataclass(value):
        packed = {field.name: getattr(value, field.name) for field in fields(value)}
        if data := packed.pop("coded", b""):
            packed["pixels"] = data
        return {name: _pack_fields(part) for name, part in packed.items() if part is not None}
    return value


def _or_failure(unpack: Callable[[dict[str, Any]], Any], value: dict[str, Any]) -> Any:
    try:
        return unpack(value)
    except (ValueError, KeyError, TypeError, ZeroDivisionError) as error:
        return Failure(f"{type(error).__name__}: {error}")


def _unpack_input(value: dict[str, Any]) -> Any:
    if value["kind"] == "picture":
        return _picture(value["png"])
    if value["kind"] == "video question":
        return VideoQuestion(value["text"], [JpegFrame(*frame) for frame in value["frames"]], value["clip"])
    if value["kind"] == "pairs":
        return PairQuestion(_features(value["query"]), [_features(other) for other in value["others"]])
    if value["kind"] == "letterboxed":
        return _unpack_fields(Letterboxed, value["fields"])
    if value["kind"] == "bar":
        return _unpack_fields(BarStrips, value["fields"])
    if value["kind"] == "plain":
        return value["value"]
    from modal_backend.models.detectors.pocket_detector import Prepared

    return _unpack_fields(Prepared, value["fields"])


def _unpack_fields(kind: Any, value: Any) -> Any:
    kind = next(filter(is_dataclass, (kind, *get_args(kind))), None)
    if kind is not None:
        hints = get_type_hints(kind)
        return kind(**{name: _unpack_fields(hints[name], part) for name, part in value.items()})
    return _picture(value) if isinstance(value, bytes) else value


def _png(picture: Picture) -> bytes:
    import cv2

    _, data = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_PNG_COMPRESSION, PNG_LEVEL])
    return data.tobytes()


def _picture(data: bytes) -> Picture:
    from modal_backend.models.detectors.coded import decoded  # only where there are pictures is there OpenCV

    return decoded(data)


def _pack_value(value: Any) -> dict[str, Any]:
    if isinstance(value, Failure):
        return {"kind": "failure", "reason": value.reason}
    if isinstance(value, VideoAnswer):
        return {"kind": "video answer", "fields": asdict(value)}
    if isinstance(value, dict):
        return {"kind": "plain", "value": value}
    if isinstance(value, LocalFeatures):
        return _pack_features(value)
    if isinstance(value, BarText):
        return {"kind": "lines", "lines": [asdict(line) for line in value.lines]}
    if isinstance(value, SpeciesGuess):
        return {"kind": "species", "labels": list(value.labels), "scores": list(value.scores)}
    if isinstance(value, np.ndarray):
        return {"kind": "vector", "data": np.ascontiguousarray(value, np.float32).tobytes()}
    if value and isinstance(value[0], PairMatches):
        return {"kind": "matches", "pairs": [_pack_matches(matches) for matches in value]}
    rows = [[str(d.category), d.confidence, d.box.x, d.box.y, d.box.width, d.box.height] for d in value]
    return {"kind": "detections", "rows": rows}


def _unpack_value(value: dict[str, Any]) -> Any:
    match value["kind"]:
        case "failure":
            return Failure(value["reason"])
        case "video answer":
            return VideoAnswer(**value["fields"])
        case "species":
            return SpeciesGuess(tuple(value["labels"]), tuple(value["scores"]))
        case "lines":
            return BarText(tuple(TextLine(**{**line, "box": Box(**line["box"])}) for line in value["lines"]))
        case "plain":
            return value["value"]
        case "vector":
            return np.frombuffer(value["data"], np.float32)
        case "features":
            return _features(value)
        case "matches":
            return [_matches(matches) for matches in value["pairs"]]
        case _:
            return [Detection(Category(row[0]), float(row[1]), Box(*map(float, row[2:]))) for row in value["rows"]]


def _pack_features(features: LocalFeatures) -> dict[str, Any]:
    return {
        "kind": "features",
        "points": np.ascontiguousarray(features.points, np.float32).tobytes(),
        "descriptors": np.ascontiguousarray(features.descriptors, np.uint8).tobytes(),
        "size": [features.width, features.height],
    }


def _features(value: dict[str, Any]) -> LocalFeatures:
    points = np.frombuffer(value["points"], np.float32).reshape(-1, 4)
    descriptors = np.frombuffer(value["descriptors"], np.uint8)
    length = len(descriptors) // len(points) if len(points) else 128
    return LocalFeatures(points, descriptors.reshape(-1, length), *value["size"])


def _pack_matches(matches: PairMatches) -> list[bytes]:
    kinds = (np.int32, np.float32, np.bool_)
    return [
        np.ascontiguousarray(getattr(matches, name), kind).tobytes()
        for name, kind in zip(PairMatches.__slots__, kinds, strict=True)
    ]


def _matches(value: list[bytes]) -> PairMatches:
    return PairMatches(
        np.frombuffer(value[0], np.int32).reshape(-1, 2),
        np.frombuffer(value[1], np.float32),
        np.frombuffer(value[2], np.bool_),
    )
