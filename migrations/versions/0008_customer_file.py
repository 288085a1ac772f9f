"""customer file: further domains, keys and pairs of duplicates, merges

Revision: 0008, after 0007.
"""

import sqlalchemy as sa
from alembic import op

from expo_crm.db import JsonDict, UtcDateTime

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "company_domain",
        sa.Column("id", ID, nullable=False),
        sa.Column("company_id", ID, nullable=False),
        sa.Column("domain", sa.String(length=253), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_company_domain_company_id_company"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_domain")),
        sa.UniqueConstraint("company_id", "domain", name=op.f("uq_company_domain_company_id_domain")),
    )
    op.create_index(op.f("ix_company_domain_domain"), "company_domain", ["domain"])
    op.create_table(
        "match_key",
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.String(length=60), nullable=False),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_match_key_company_id_company"), ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("company_id", "key", name=op.f("pk_match_key")),
    )
    op.create_index(op.f("ix_match_key_key"), "match_key", ["key"])
    op.create_table(
        "duplicate_pair",
        sa.Column("id", ID, nullable=False),
        sa.Column("a_id", ID, nullable=False),
        sa.Column("b_id", ID, nullable=False),
        sa.Column("verdict", sa.String(length=60), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("evidence", JsonDict, nullable=False),
        sa.Column("state", sa.String(length=60), nullable=False),
        sa.Column("found_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by", ID, nullable=True),
        sa.CheckConstraint("a_id < b_id", name=op.f("ck_duplicate_pair_in_order")),
        sa.CheckConstraint("state in ('open', 'different')", name=op.f("ck_duplicate_pair_state")),
        sa.CheckConstraint("verdict in ('same', 'maybe')", name=op.f("ck_duplicate_pair_verdict")),
        sa.ForeignKeyConstraint(["a_id"], ["company.id"], name=op.f("fk_duplicate_pair_a_id_company"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["b_id"], ["company.id"], name=op.f("fk_duplicate_pair_b_id_company"), ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["decided_by"], ["user.id"], name=op.f("fk_duplicate_pair_decided_by_user"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duplicate_pair")),
        sa.UniqueConstraint("a_id", "b_id", name=op.f("uq_duplicate_pair_a_id_b_id")),
    )
    op.create_index(op.f("ix_duplicate_pair_b_id"), "duplicate_pair", ["b_id"])
    op.create_index(op.f("ix_duplicate_pair_state_score"), "duplicate_pair", ["state", "score"])
    op.create_table(
        "merge",
        sa.Column("id", ID, nullable=False),
        sa.Column("entity", sa.String(length=60), nullable=False),
        sa.Column("kept_id", sa.BigInteger(), nullable=False),
        sa.Column("dropped_id", sa.BigInteger(), nullable=False),
        sa.Column("kept_name", sa.String(length=300), nullable=False),
        sa.Column("dropped_name", sa.String(length=300), nullable=False),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("journal", JsonDict, nullable=False),
        sa.Column("summary", JsonDict, nullable=False),
        sa.Column("merged_at", UtcDateTime(), nullable=False),
        sa.Column("merged_by", ID, nullable=True),
        sa.Column("undone_at", UtcDateTime(), nullable=True),
        sa.Column("undone_by", ID, nullable=True),
        sa.CheckConstraint("entity in ('company', 'person')", name=op.f("ck_merge_entity")),
        sa.ForeignKeyConstraint(["merged_by"], ["user.id"], name=op.f("fk_merge_merged_by_user"), ondelete="SET NULL"),
        sa.ForeignKeyConstraint(["undone_by"], ["user.id"], name=op.f("fk_merge_undone_by_user"), ondelete="SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_merge")),
    )
    op.create_index(op.f("ix_merge_entity_dropped_id"), "merge", ["entity", "dropped_id"])
    op.create_index(op.f("ix_merge_entity_kept_id"), "merge", ["entity", "kept_id"])
    op.create_table(
        "quality_snapshot",
        sa.Column("id", ID, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("figures", JsonDict, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quality_snapshot")),
    )
    op.create_index(op.f("ix_quality_snapshot_at"), "quality_snapshot", ["at"])
    op.create_index(op.f("ix_company_phone"), "company", ["phone"])
    op.create_index(op.f("ix_company_parent_id"), "company", ["parent_id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_company_parent_id"), table_name="company")
    op.drop_index(op.f("ix_company_phone"), table_name="company")
    for table in ("quality_snapshot", "merge", "duplicate_pair", "match_key", "company_domain"):
        op.drop_table(table)
