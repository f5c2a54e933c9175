"""Results of other tools"""

import sqlalchemy as sa
from alembic import op

revision = "0022_results"
down_revision = "0021_people"


def upgrade() -> None:
    """Two new tables, and the results that come with an import."""
    op.create_table(
        "results_file",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("path", sa.String(1024), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("format", sa.String(40), nullable=False),
        sa.Column("model_version_id", sa.Integer(), nullable=True),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=True),
        sa.Column("matched", sa.Integer(), nullable=True),
        sa.Column("taken", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=True),
        sa.Column("finished_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["model_version_id"], ["model_version.id"], name="fk_results_file_model_version_id_model_version"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_results_file"),
        sa.UniqueConstraint("sha256", name="uq_results_file_sha256"),
    )
    op.create_index("ix_results_file_state", "results_file", ["state"])
    op.create_table(
        "results_review",
        sa.Column("results_id", sa.Integer(), nullable=False),
        sa.Column("who", sa.String(80), nullable=False),
        sa.Column("decided_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["results_id"], ["results_file.id"], name="fk_results_review_results_id_results_file"),
        sa.PrimaryKeyConstraint("results_id", name="pk_results_review"),
    )
    op.add_column("import_batch", sa.Column("results_id", sa.Integer(), nullable=True))
