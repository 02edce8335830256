"""The tables of what is hosted, and of those who share it, beside those in ``tables``.

repositories, repository_names    what is called how, and was before
commits, refs                     histories, with the files of each commit as JSON
discussions, access_requests ...  what people say of repositories, ask for, like and download
organizations, members, groups    who shares what
namespaces, contents              how much room each has, and which contents count in it
"""

from __future__ import annotations

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from weighbridge.adapters.catalog.tables import METADATA, UtcDateTime

REPOSITORIES = Table(
    "repositories",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", String(200), nullable=False),
    Column("private", Boolean, nullable=False),
    Column("gate", String(16), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(64), nullable=False),
    Column("deleted_at", UtcDateTime),
    Column("group_id", String(64), nullable=False, server_default=""),
    Column("origin_name", String(200), nullable=False, server_default=""),
    Column("origin_key", String(64), nullable=False, server_default=""),
)
"""``origin_name`` is what it was duplicated from; ``origin_key`` the key of that where it is hosted."""
Index("repositories_of_group", REPOSITORIES.c.group_id)

REPOSITORY_NAMES = Table(
    "repository_names",
    METADATA,
    Column("kind", String(16), primary_key=True),
    Column("name_key", String(200), primary_key=True),
    Column("repository", String(64), ForeignKey("repositories.key"), nullable=False),
)
"""Today's name of a repository, and its former ones; those of a deleted one stay until they are taken."""
Index("names_of_repository", REPOSITORY_NAMES.c.repository)

COMMITS = Table(
    "commits",
    METADATA,
    Column("repository", String(64), ForeignKey("repositories.key"), primary_key=True),
    Column("id", String(40), primary_key=True),
    Column("parents", JSON, nullable=False),
    Column("tree", String(40), nullable=False),
    Column("author", String(64), nullable=False),
    Column("title", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("files", JSON, nullable=False),
)

REFS = Table(
    "refs",
    METADATA,
    Column("repository", String(64), ForeignKey("repositories.key"), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", String(255), primary_key=True),
    Column("commit_id", String(40), nullable=False),
)

DISCUSSIONS = Table(
    "discussions",
    METADATA,
    Column("repository", String(64), ForeignKey("repositories.key"), primary_key=True),
    Column("number", Integer, primary_key=True, autoincrement=False),
    Column("title", Text, nullable=False),
    Column("status", String(16), nullable=False),
    Column("author", String(64), nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("base", String(40), nullable=False),
    Column("merged_as", String(40), nullable=False),
)

DISCUSSION_EVENTS = Table(
    "discussion_events",
    METADATA,
    Column("position", Integer, primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("repository", String(64), ForeignKey("repositories.key"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("author", String(64), nullable=False),
    Column("text", Text, nullable=False),
    Column("before", Text, nullable=False),
    Column("commit_id", String(40), nullable=False),
    Column("edited", Boolean, nullable=False),
    Column("hidden", Boolean, nullable=False),
)
Index("events_of_discussion", DISCUSSION_EVENTS.c.repository, DISCUSSION_EVENTS.c.number)

ACCESS_REQUESTS = Table(
    "access_requests",
    METADATA,
    Column("repository", String(64), ForeignKey("repositories.key"), primary_key=True),
    Column("user_name", String(64), ForeignKey("users.name"), primary_key=True),
    Column("id", String(64), nullable=False, unique=True),
    Column("status", String(16), nullable=False),
    Column("reason", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
)

LIKES = Table(
    "likes",
    METADATA,
    Column("repository", String(64), ForeignKey("repositories.key"), primary_key=True),
    Column("user_name", String(64), ForeignKey("users.name"), primary_key=True),
    Column("at", UtcDateTime, nullable=False),
)

DOWNLOADS = Table(
    "downloads",
    METADATA,
    Column("repository", String(64), ForeignKey("repositories.key"), primary_key=True),
    Column("day", Date, primary_key=True),
    Column("count", BigInteger, nullable=False),
)

ORGANIZATIONS = Table(
    "organizations",
    METADATA,
    Column("name", String(64), primary_key=True),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(64), nullable=False),
)

MEMBERS = Table(
    "members",
    METADATA,
    Column("organization", String(64), ForeignKey("organizations.name"), primary_key=True),
    Column("user_name", String(64), ForeignKey("users.name"), primary_key=True),
    Column("role", String(16), nullable=False),
)
Index("organizations_of_user", MEMBERS.c.user_name)

GROUPS = Table(
    "groups",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("organization", String(64), ForeignKey("organizations.name"), nullable=False),
    Column("name", String(64), nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("created_by", String(64), nullable=False),
    UniqueConstraint("organization", "name", name="one_group_per_name"),
)

GROUP_MEMBERS = Table(
    "group_members",
    METADATA,
    Column("group_id", String(64), ForeignKey("groups.id"), primary_key=True),
    Column("user_name", String(64), ForeignKey("users.name"), primary_key=True),
    Column("role", String(16), nullable=False),
)
Index("groups_of_user", GROUP_MEMBERS.c.user_name)

NAMESPACES = Table(
    "namespaces",
    METADATA,
    Column("name", String(200), primary_key=True),
    Column("used_bytes", BigInteger, nullable=False),
    Column("quota_bytes", BigInteger),
)
"""How much a namespace uses, by its lower-case name; a quota of its own where it has one (0: no limit)."""

CONTENTS = Table(
    "contents",
    METADATA,
    Column("repository", String(64), ForeignKey("repositories.key"), primary_key=True),
    Column("namespace", String(200), primary_key=True),
    Column("sha256", String(64), primary_key=True),
    Column("size_bytes", BigInteger, nullable=False),
)
"""What the commits of a repository hold, and for which namespace each content counts."""
Index("contents_of_namespace", CONTENTS.c.namespace, CONTENTS.c.sha256, CONTENTS.c.size_bytes)
