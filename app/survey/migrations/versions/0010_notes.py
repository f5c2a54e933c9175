"""Files of notes that a person deleted"""

import sqlalchemy as sa
from alembic import op

revision = "0010_notes"
down_revision = "0009"


def upgrade() -> None:
    """One new table."""
    op.create_table(
        "note_file_review",
        sa.Column("file_id", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(length=80), nullable=False),
        sa.Column("decided_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["file_id"], ["note_file.id"], name="fk_note_file_review_file_id_note_file"),
        sa.PrimaryKeyConstraint("file_id", name="pk_note_file_review"),
    )
