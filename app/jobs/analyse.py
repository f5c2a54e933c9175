"""Jobs whose models run on Modal: asynchronous workflows, so that waiting holds no thread and starves nobody.

Sending is one step, whose output is the call's id; collecting and keeping the answers is another. A worker killed
between them collects the same call after its restart.
"""

from __future__ import annotations

import asyncio
from typing import Any

from dbos import DBOS

from app.analysis import windows
from app.analysis.calls import chosen, closed, collect, send
from app.analysis.crops import cut_all, store_described
from app.analysis.pictures import batches, crops_of_boxes
from app.jobs import describe
from app.jobs.current import Bench, Lane
from app.jobs.queue import Queue
from app.matching.gallery import NotDescribed
from app.survey.calls.ledger import Sent
from app.survey.individuals.rankings import Scope
from modal_backend.contracts import Box
from modal_backend.errors import BackendError
from modal_backend.registry import MODELS

TIMES_LOST = 3


@DBOS.workflow(name="analyse_window")
async def analyse_window(media_ids: list[int]) -> str:
    """Detect and describe a window of stored media; returns what went wrong, empty when all went well."""
    try:
        for round_number in range(TIMES_LOST):
            sent = await send_detection(media_ids, round_number)
            if sent is None or await collect_detection(sent):
                break
        for round_number in range(TIMES_LOST):
            sent = await send_descriptions(media_ids, [], round_number)
            if sent is None or await collect_descriptions(sent):
                break
    except BackendError as error:
        return await give_up_media(media_ids, f"{error} {error.remedy}".strip())
    await finish_media(media_ids)
    return ""


@DBOS.workflow(name="describe_remotely")
async def describe_remotely(detection_ids: list[int], models: list[str] | None = None) -> None:
    """Describe the crops of these boxes as they stand now, by all models in use unless some are named."""
    for round_number in range(TIMES_LOST):
        sent = await send_descriptions([], detection_ids, round_number, models)
        if sent is None or await collect_descriptions(sent):
            return


@DBOS.workflow(name="describe_again_remotely")
async def describe_again_remotely() -> None:
    """Describe a slice of the crops that lack what a model in use makes of them."""
    parts = await crops_to_describe()
    handles = [
        await DBOS.enqueue_workflow_async(Queue.MODAL_BULK, describe_remotely, window, models)
        for models, ids in parts
        for window in batches(ids)
    ]
    for handle in handles:
        await handle.get_result()
    await end_slice(parts)


@DBOS.workflow(name="rank_remotely")
async def rank_remotely(detection_ids: list[int], scope_key: str) -> None:
    """Rank candidates for these queries; crops without features are described first."""
    for detection_id in detection_ids:
        if not await rank(detection_id, scope_key):
            sent = await send_descriptions([], [detection_id], 0)
            if sent is not None:
                await collect_descriptions(sent)
            await rank(detection_id, scope_key)


@DBOS.step(preemptible=True)
async def send_detection(media_ids: list[int], round_number: int) -> dict[str, Any] | None:
    """Send what has no detector's answer yet; None when there is nothing. Output: the call's ids and its media."""
    detector = (await chosen()).detector

    def make() -> tuple[list[int], list[Any]]:
        return windows.prepared_media(Bench.shop, media_ids, detector)

    done = await send(_job(round_number), [detector], make, Bench.bulk)
    return {"media": done[0], "calls": _plain(done[1])} if done else None


@DBOS.step(preemptible=True)
async def collect_detection(sent: dict[str, Any]) -> bool:
    """Collect and keep the detector's answers; False when they are lost and have to be asked for again."""
    [(detector, ids)] = sent["calls"].items()
    call = Sent(*ids)
    result = await collect(call, detector, Bench.bulk)
    if result is None:
        return False
    await asyncio.to_thread(windows.keep_answers, Bench.shop, sent["media"], result, call.id)
    await closed(call, result)
    return True


@DBOS.step(preemptible=True)
async def send_descriptions(
    media_ids: list[int], detection_ids: list[int], round_number: int, models: list[str] | None = None
) -> dict[str, Any] | None:
    """Cut the crops of detected media, or of boxes, and send them to the describing models; None without any.

    models: names of those to ask; without any, all that are in use. Output: the calls' ids, and the boxes as they were
    cut.
    """
    asked = models or (await chosen()).describing

    def make() -> tuple[list[Any], list[Any]]:
        shop = Bench.shop
        crops = windows.crops_of_media(shop, media_ids) if media_ids else crops_of_boxes(shop, detection_ids)
        boxes = [[one.detection_id, [one.box.x, one.box.y, one.box.width, one.box.height]] for one in crops]
        return boxes, cut_all(shop, crops, asked)

    lane = _lane(bool(media_ids))
    done = await send(_job(round_number, *detection_ids[:3]), asked, make, lane)
    return {"boxes": done[0], "calls": _plain(done[1]), "bulk": bool(media_ids)} if done else None


@DBOS.step(preemptible=True)
async def collect_descriptions(sent: dict[str, Any]) -> bool:
    """Collect and keep embeddings and features; False when one of them is lost."""
    boxes = [(detection_id, Box(*corners)) for detection_id, corners in sent["boxes"]]
    complete = True
    for model, ids in sent["calls"].items():
        call = Sent(*ids)
        result = await collect(call, model, _lane(sent["bulk"]))
        if result is None:
            complete = False
            continue
        await asyncio.to_thread(store_described, Bench.shop, MODELS[model].task, boxes, result, call.id)
        await closed(call, result)
    return complete


@DBOS.step()
async def crops_to_describe() -> list[describe.Part]:
    """The next crops to describe, each with the models they lack."""

    def ask() -> list[describe.Part]:
        with Bench.shop.survey.read() as session:
            return describe.slice_of(session, Bench.shop)

    return await asyncio.to_thread(ask)


@DBOS.step()
async def end_slice(parts: list[describe.Part]) -> None:
    """Forget what older versions said about these crops; let a profile of RAPID take over that has described all."""
    await asyncio.to_thread(describe.end_slice, Bench.shop, parts)


@DBOS.step()
async def finish_media(media_ids: list[int]) -> None:
    """Mark the media as ready."""
    await asyncio.to_thread(windows.finish_media, Bench.shop, media_ids)


@DBOS.step()
async def give_up_media(media_ids: list[int], reason: str) -> str:
    """Mark what is not finished as failed, with the reason."""
    await asyncio.to_thread(windows.fail_media, Bench.shop, media_ids, reason)
    return reason


@DBOS.step()
async def rank(detection_id: int, scope_key: str) -> bool:
    """Rank one query; False when its crop has no features yet."""
    try:
        await asyncio.to_thread(Bench.gallery.rank, detection_id, Scope.from_key(scope_key))
    except NotDescribed:
        return False
    return True


def _lane(bulk: bool) -> Lane:
    return Bench.bulk if bulk else Bench.interactive


def _plain(calls: dict[str, Sent]) -> dict[str, list[Any]]:
    return {model: [call.id, call.remote_id] for model, call in calls.items()}


def _job(*parts: int) -> str:
    """The ledger's key of what a step of this workflow sends."""
    return "/".join([DBOS.workflow_id or "", *map(str, parts)])
