"""Media that two jobs want are analysed by one, and what an ended or cancelled job leaves is free again."""

from __future__ import annotations

import asyncio
from pathlib import Path

import sqlalchemy as sa

from app.analysis.calls import Lane
from app.analysis.context import open_context
from app.analysis.pictures import analyse, fail
from app.analysis.taking_in import list_batch, read_ahead
from app.ingest.intake import source_files
from app.survey.media import claims, imports
from app.survey.tables.calls import Call
from app.survey.tables.media import ListedFile, Media, MediaClaim
from tests.support.pictures import encoded, noisy
from tests.support.surveys import add_media


def stored(survey, count: int = 3) -> list[int]:
    ids = [add_media(survey)[0] for _ in range(count)]
    with survey.write() as session:
        session.execute(sa.update(Media).values(stage="stored"))
    return ids


def claimed(survey, ids: list[int], job: str) -> list[int]:
    with survey.write() as session:
        return claims.claim(session, ids, job)


def left(survey) -> list[str]:
    with survey.read() as session:
        return claims.jobs_at_work(session)


def test_a_job_gets_what_no_other_job_has_taken_and_its_own_again(survey):
    a, b, c = stored(survey)
    assert claimed(survey, [a, b], "first") == [a, b]
    assert claimed(survey, [b, c], "second") == [c]
    assert claimed(survey, [a, b], "first") == [a, b]
    with survey.write() as session:
        claims.release_job(session, "first")
    assert claimed(survey, [b, c], "second") == [b, c]
    assert left(survey) == ["second"]


def test_a_job_that_fails_lets_the_media_of_others_alone(survey):
    a, b, _ = stored(survey)
    claimed(survey, [a], "first")
    with open_context(survey, "test") as context:
        fail(context, [a, b], "no", "second")
    with survey.read() as session:
        assert [session.get_one(Media, media_id).stage for media_id in (a, b)] == ["stored", "failed"]
    assert left(survey) == ["first"]


def test_a_cancelled_import_leaves_to_another_what_that_one_waits_for_too(survey):
    a, b, c = stored(survey)
    with survey.write() as session:
        other = imports.start_import(session, kind="folder", root="/other", label="other")
        session.add(ListedFile(import_id=other.id, path="b.jpg", media_id=b, outcome="duplicate"))
        mine = session.scalar(sa.select(ListedFile.import_id).where(ListedFile.media_id == a))
        imports.finish(session, mine, error="cancelled")
        session.add(MediaClaim(media_id=c, job="cancelled"))
        session.flush()
        imports.give_up(session, mine, "cancelled")
    with survey.read() as session:
        assert [session.get_one(Media, media_id).stage for media_id in (a, b, c)] == ["failed", "stored", "failed"]
    assert left(survey) == []


def test_two_imports_that_bring_the_same_file_pay_for_it_once(survey, tmp_path: Path):
    card = tmp_path / "Ridge"
    card.mkdir()
    (card / "one.jpg").write_bytes(encoded(noisy(320, 240)))
    with open_context(survey, "test") as context:
        with survey.write() as session:
            import_id = imports.import_of_path(session, card).id
        (reads,) = read_ahead(context, import_id, source_files(card, limits=context.limits))
        media_ids = list_batch(context, import_id, reads)

        async def both() -> None:
            await asyncio.gather(*(analyse(context, media_ids, job, Lane()) for job in ("first", "second")))

        asyncio.run(both())
    with survey.read() as session:
        paid = session.scalar(sa.select(sa.func.sum(Call.items)).where(Call.task == "detect"))
        assert session.scalar(sa.select(Media.stage)) == "ready"
    assert (paid, left(survey)) == (1, [])
