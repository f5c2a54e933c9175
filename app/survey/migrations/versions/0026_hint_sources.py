"""Species hints that came with a file of another tool's results, and their names"""

import sqlalchemy as sa
from alembic import op

revision = "0026_hint_sources"
down_revision = "0025_hints"


def upgrade() -> None:
    """Which model gave a hint; names of classifiers are longer than those of the own one."""
    with op.batch_alter_table("species_hint") as table:
        table.add_column(sa.Column("source", sa.String(64), nullable=True))
        table.alter_column("name", existing_type=sa.String(40), existing_nullable=False, type_=sa.String(120))
