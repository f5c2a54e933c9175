"""What a browser has sent becomes an import."""

from __future__ import annotations

import pytest

from app import files
from app.actions.imports import import_upload
from app.survey.media import imports
from app.survey.tables.deployments import Deployment
from app.survey.tables.media import ImportBatch
from tests.support.asked import Asked


class Started(Asked):
    """Starts no import."""

    def run_import(self, import_id):
        """Nothing reads the files."""


@pytest.mark.parametrize(
    ("sent", "stations"),
    [
        (["Season 1/St01/1.jpg", "Season 1/St02/1.jpg"], ["St01", "St02"]),
        (["St01/1.jpg", "North/St02/1.jpg"], ["St01", "North/St02"]),
        (["season.zip/St01/1.jpg"], ["St01"]),
    ],
)
def test_a_folder_that_was_chosen_alone_is_no_part_of_its_stations_names(survey, settings, sent, stations):
    folder = files.upload_folder(settings.data_dir, "b1")
    for path in sent:
        place = folder / (path.partition("/")[0] if ".zip/" in path else path)
        place.parent.mkdir(parents=True, exist_ok=True)
        place.touch()
    import_id = import_upload(settings, survey, Started(), "b1", None)
    with survey.write() as session:
        batch = session.get_one(ImportBatch, import_id)
        made = [session.get_one(Deployment, imports.deployment_for(session, batch, path)) for path in sent]
        assert [deployment.station for deployment in made] == stations
