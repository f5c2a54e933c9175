"""How many files of an import were taken far from their deployment"""

import sqlalchemy as sa
from alembic import op

revision = "0015_places"
down_revision = "0014_cards"


def upgrade() -> None:
    """One empty column."""
    op.add_column("import_batch", sa.Column("displaced_files", sa.Integer(), nullable=True))
