"""How many files of an import were taken far from their deployment"""

import sqlalchemy as sa
from alembic import op

revision = "0015_places"
down_revision = "0014_cards"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """One empty column."""
    op.add_column("import_batch", sa.Column("displaced_files", sa.Integer(), nullable=True))


def downgrade() -> None:
    """Drop it again."""
    op.drop_column("import_batch", "displaced_files")
