"""The survey's list of species labels, and indexes for the filters of Detections"""

import time

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

# Where a list begins: large mammals that camera traps are set for, and what they meet most.
FIRST = {
    "Panthera tigris": "tiger",
    "Panthera pardus": "leopard",
    "Panthera onca": "jaguar",
    "Panthera uncia": "snow leopard",
    "Panthera leo": "lion",
    "Puma concolor": "puma",
    "Lynx lynx": "Eurasian lynx",
    "Canis lupus": "wolf",
    "Vulpes vulpes": "red fox",
    "Ursus arctos": "brown bear",
    "Meles meles": "badger",
    "Procyon lotor": "raccoon",
    "Sus scrofa": "wild boar",
    "Cervus elaphus": "red deer",
    "Cervus nippon": "sika deer",
    "Capreolus capreolus": "roe deer",
    "Odocoileus virginianus": "white-tailed deer",
    "Axis axis": "chital",
    "Rusa unicolor": "sambar",
}


def upgrade() -> None:
    """The list with its first entries; indexes."""
    table = op.create_table(
        "species_label",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("common", sa.String(length=120), nullable=False),
        sa.Column("who", sa.String(length=80), nullable=False),
        sa.Column("decided_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_species_label")),
        sa.UniqueConstraint("name", name=op.f("uq_species_label_name")),
        sqlite_autoincrement=True,
    )
    now = time.time()
    op.bulk_insert(
        table,
        [{"name": name, "common": common, "who": "Pugmark", "decided_at": now} for name, common in FIRST.items()],
    )
    op.create_index("ix_detection_review_species", "detection_review", ["species"])
    op.create_index("ix_detection_review_who", "detection_review", ["who"])
    op.create_index("ix_media_review_who", "media_review", ["who"])
    op.create_index("ix_decision_kind", "decision", ["kind"])
    op.create_index("ix_media_taken", "media", ["taken_at"])
