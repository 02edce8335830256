"""The tables of the catalogue, as they are now; ``migrations`` says how they came to be.

    packages    what was admitted; the manifest lies in its row as JSON (some 10 to 100 files)
    waivers     the exceptions by which a package was admitted
    refusals    what was weighed and not admitted
    users       accounts, with the hash of their password
    tokens      bearer tokens, by the sha256 of their secret
    audit       one line for each change, written in the change's own transaction
    scans       what later rules found in packages; fingerprints and notes stand beside them

Those of hosted repositories and organizations are in ``repo_tables``, those of jobs in ``job_tables``.

``name_key`` is the name in lower case: the Hub's names differ in more than case.
"""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.types import TypeDecorator

METADATA = MetaData()


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. SQLite keeps no time zone, so what comes back is said to be UTC here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To UTC; a naive time has no meaning and is a mistake of ours."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without a time zone reached the catalogue")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Aware UTC."""
        if value is None:
            return None
        return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)


PACKAGES = Table(
    "packages",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(200), nullable=False),
    Column("name_key", String(200), nullable=False),
    Column("version", String(128), nullable=False),
    Column("commit_id", String(40), nullable=False),
    Column("manifest", JSON, nullable=False),
    Column("net_score", Float, nullable=False),
    Column("metrics", JSON, nullable=False),
    Column("evidence_sha256", String(64), nullable=False),
    Column("verdict_sha256", String(64), nullable=False),
    Column("description", Text, nullable=False),
    Column("state", String(16), nullable=False),
    Column("state_reason", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("size_bytes", BigInteger, nullable=False, server_default="0"),
    Column("licence", String(128), nullable=False, server_default=""),
    Column("searched", Text, nullable=False, server_default=""),
    UniqueConstraint("kind", "name_key", "version", name="one_package_per_version"),
)
Index(
    "one_active_package_per_commit",
    PACKAGES.c.kind,
    PACKAGES.c.name_key,
    PACKAGES.c.commit_id,
    unique=True,
    sqlite_where=text("state = 'active'"),
    postgresql_where=text("state = 'active'"),
)
Index(
    "packages_listed",
    *(PACKAGES.c[name] for name in ("created_at", "id", "state", "kind", "name_key")),
    *(PACKAGES.c[name] for name in ("net_score", "size_bytes", "licence", "created_by", "searched")),
)
"""All that lists filter and order by: in SQLite a row also holds the manifest, which they must not pass."""

PACKAGE_METRICS = Table(
    "package_metrics",
    METADATA,
    Column("metric", String(64), primary_key=True),
    Column("package_id", String(64), ForeignKey("packages.id"), primary_key=True),
    Column("value", Float, nullable=False),
)
Index("packages_by_metric", PACKAGE_METRICS.c.metric, PACKAGE_METRICS.c.value, PACKAGE_METRICS.c.package_id)

WAIVERS = Table(
    "waivers",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("package_id", String(64), ForeignKey("packages.id"), nullable=False),
    Column("metric", String(64), nullable=False),
    Column("repo", String(200), nullable=False),
    Column("commit_id", String(40)),
    Column("reason", Text, nullable=False),
    Column("author", String(64), nullable=False),
    Column("expires", Date),
)
Index("waivers_of_package", WAIVERS.c.package_id)

REFUSALS = Table(
    "refusals",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(200), nullable=False),
    Column("revision", String(255), nullable=False),
    Column("commit_id", String(40), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("sentence", Text, nullable=False),
    Column("evidence_sha256", String(64), nullable=False),
    Column("verdict_sha256", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(64), nullable=False),
)
Index("refusals_by_age", REFUSALS.c.created_at, REFUSALS.c.id)
Index("refusals_of_commit", REFUSALS.c.commit_id)

USERS = Table(
    "users",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("password_hash", String(255), nullable=False),
    Column("permissions", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("origin", Text, nullable=False, server_default=""),
)

TOKENS = Table(
    "tokens",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("sha256", String(64), nullable=False, unique=True),
    Column("user_name", String(64), ForeignKey("users.name"), nullable=False),
    Column("permissions", JSON, nullable=False),
    Column("is_session", Boolean, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime),
    Column("last_used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
)
Index("tokens_of_user", TOKENS.c.user_name)

AUDIT = Table(
    "audit",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("at", UtcDateTime, nullable=False),
    Column("by", String(64), nullable=False),
    Column("verb", String(64), nullable=False),
    Column("target", Text, nullable=False),
    Column("detail", Text, nullable=False),
)
Index("audit_by_verb", AUDIT.c.verb, AUDIT.c.id)
Index("audit_by_caller", AUDIT.c.by, AUDIT.c.id)
Index("audit_by_age", AUDIT.c.at)

FINGERPRINTS = Table(
    "fingerprints",
    METADATA,
    Column("mark", String(16), primary_key=True),
    Column("value", String(64), primary_key=True),
    Column("package_id", String(64), ForeignKey("packages.id"), primary_key=True),
    Column("subject", Text, nullable=False),
)
"""By what a package is known again, see ``domain.resemblance``; some thirty rows for each."""
Index("fingerprints_of_package", FINGERPRINTS.c.package_id, FINGERPRINTS.c.mark)

SCANS = Table(
    "scans",
    METADATA,
    Column("package_id", String(64), ForeignKey("packages.id"), primary_key=True),
    Column("rules", String(64), primary_key=True),
    Column("verdict", String(16), nullable=False),
    Column("report_sha256", String(64), nullable=False),
    Column("at", UtcDateTime, nullable=False),
)
"""What later rule sets found in a package: one row for each rule set that looked at it again."""

OPERATOR_NOTES = Table(
    "operator_notes",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(200), nullable=False),
    Column("name_key", String(200), nullable=False),
    Column("metric", String(64), nullable=False),
    Column("entries", JSON, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("repository", String(64), nullable=False, server_default=""),
)
"""Evidence that operators attached to a repository, as ``eval_results`` entries.

``repository`` is the key of a hosted one, under whatever name; empty for what is mirrored or not here.
"""
Index("notes_of_hosted", OPERATOR_NOTES.c.repository)
Index("notes_of_repository", OPERATOR_NOTES.c.kind, OPERATOR_NOTES.c.name_key)
