"""A path means the file of the survey that it ends with, or a name that occurs once; else it is listed."""

from __future__ import annotations

import pytest

from app.exchange.incoming.matching import Listed, NoMatch, choose

BOTH = [Listed("card/Ridge 1/IMG_1.JPG", 1), Listed("card/Ford 2/IMG_1.JPG", 2)]
ALONE = [Listed("card/Ford 2/IMG_1.JPG", 2)]


@pytest.mark.parametrize(
    ("path", "listed", "same_name", "media_id"),
    [
        ("Ridge 1/IMG_1.JPG", BOTH, 2, 1),
        ("D:\\survey\\card\\Ridge 1\\IMG_1.JPG", BOTH, 2, 1),
        ("/mnt/card/ridge 1/img_1.jpg", BOTH, 2, 1),
        ("elsewhere/IMG_1.JPG", ALONE, 1, 2),
        ("IMG_1.JPG", ALONE, 1, 2),
        ("A/B/IMG_1.JPG", [Listed("A/B/IMG_1.JPG", 1), Listed("C/B/IMG_1.JPG", 2)], 1, 1),
    ],
)
def test_a_path_that_means_one_file_is_matched(path, listed, same_name, media_id):
    assert choose(path, listed, same_name) == media_id


@pytest.mark.parametrize(
    ("path", "listed", "same_name", "reason"),
    [
        (
            "IMG_1.JPG",
            BOTH,
            1,
            "Several files of the survey may be meant: card/Ford 2/IMG_1.JPG, card/Ridge 1/IMG_1.JPG.",
        ),
        ("elsewhere/IMG_1.JPG", BOTH, 1, "Several files of the survey may be meant"),
        ("elsewhere/IMG_1.JPG", ALONE, 2, "Several entries have this name"),
        ("A/IMG_1.JPG", [Listed("card/IMG_1.JPG", 1)], 2, "Several entries have this name"),
        ("../../etc/passwd", [], 1, "It is not in the survey."),
    ],
)
def test_a_path_that_may_mean_several_files_or_none_is_left_with_the_reason(path, listed, same_name, reason):
    with pytest.raises(NoMatch, match=reason):
        choose(path, listed, same_name)
