"""booths in the order in which people count them: A2 before A10

Revision: 0019, after 0018.
"""

import re

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("booth", sa.Column("sort_key", sa.String(60), nullable=False, server_default=""))
    booth = sa.table("booth", sa.column("id"), sa.column("code"), sa.column("sort_key"))
    connection = op.get_bind()
    keys = [
        {"booth": row.id, "key": re.sub(r"\d+", lambda run: run.group().lstrip("0").rjust(10, "0"), row.code.upper())[:60]}
        for row in connection.execute(sa.select(booth.c.id, booth.c.code))
    ]
    if keys:
        connection.execute(sa.update(booth).where(booth.c.id == sa.bindparam("booth")).values(sort_key=sa.bindparam("key")), keys)


def downgrade() -> None:
    with op.batch_alter_table("booth") as batch:
        batch.drop_column("sort_key")
