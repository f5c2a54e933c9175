"""Imports by what is on a card: a path may be imported again as another one; damage; long names; sums at the end"""

import sqlalchemy as sa
from alembic import op

revision = "0014_cards"
down_revision = "0013_profile_change"

SUMS = ("left_out_files", "damaged_files", "untimed_files", "unplaced_files", "clock_files")


def upgrade() -> None:
    """Empty columns, an index in place of a unique one, and wider names where a database keeps their width."""
    with op.batch_alter_table("import_batch") as batch:
        batch.drop_constraint("uq_import_batch_root", type_="unique")
        batch.create_index("ix_import_batch_root", ["root"])
        batch.add_column(sa.Column("names_in", sa.String(16), nullable=True))
        for name in SUMS:
            batch.add_column(sa.Column(name, sa.Integer(), nullable=True))
    op.add_column("listed_file", sa.Column("modified", sa.BigInteger(), nullable=True))
    op.add_column("media", sa.Column("damage", sa.String(200), nullable=True))
    if op.get_bind().dialect.name == "postgresql":
        for name in ("name", "station"):
            op.alter_column("deployment", name, type_=sa.String(1024))
