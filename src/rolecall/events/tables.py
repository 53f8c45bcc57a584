"""How are the event log and the audit log kept?"""

from sqlalchemy import Column, Index, PrimaryKeyConstraint, Table, text

from rolecall.storage.types import COUNT, FLAG, INSTANT, KEY, METADATA, RING_KEY, SEQUENCE, TEXT

event = Table(
    "event",
    METADATA,
    Column("sequence", SEQUENCE, primary_key=True, autoincrement=True),
    Column("id", KEY, nullable=False),
    Column("happened_at", INSTANT, nullable=False),
    Column("type", KEY, nullable=False),
    Column("category", KEY, nullable=False),
    Column("severity", KEY, nullable=False),
    Column("subject_id", KEY),
    Column("actor_kind", KEY, nullable=False),
    Column("actor_user_id", KEY),
    Column("request_id", KEY),
    Column("data", TEXT, nullable=False),
    Index(None, "happened_at"),
    Index(None, "subject_id"),
    sqlite_autoincrement=True,
)

# Requests by what their events are about besides their subject: a person who was added to a group, above all.
event_mention = Table(
    "event_mention",
    METADATA,
    Column("mentioned_id", KEY, nullable=False),
    Column("request_id", KEY, nullable=False),
    PrimaryKeyConstraint("mentioned_id", "request_id"),
    sqlite_with_rowid=False,
)

# The mentions of the last minutes, in the order in which they were written: each into its place among millions would
# make a push of many members dear (ADR 0027).
fresh_mention = Table(
    "fresh_mention",
    METADATA,
    Column("number", SEQUENCE, primary_key=True, autoincrement=True),
    Column("mentioned_id", KEY, nullable=False),
    Column("request_id", KEY, nullable=False),
)

audit_record = Table(
    "audit_record",
    METADATA,
    Column("sequence", SEQUENCE, primary_key=True, autoincrement=True),
    Column("phase", KEY, nullable=False),
    Column("request_id", KEY, nullable=False),
    Column("recorded_at", INSTANT, nullable=False),
    Column("actor_kind", KEY),
    Column("user_id", KEY),
    Column("user_name", TEXT),
    Column("api_key_id", KEY),
    Column("address", KEY),
    Column("user_agent", TEXT),
    Column("method", KEY),
    Column("target", TEXT),
    Column("request", TEXT),
    Column("outcome", KEY),
    Column("code", KEY),
    Column("status", COUNT),
    Column("detail", TEXT),
    Column("operations", TEXT),
    Column("subject_id", KEY),
    Column("repeated_count", COUNT),
    Column("duration_microseconds", COUNT),
    Index(None, "request_id"),
    Index(None, "recorded_at"),
    sqlite_autoincrement=True,
)

# An intent names no subject, so only results are in it.
_ABOUT_SOMETHING = text("subject_id IS NOT NULL")
Index(
    "ix_audit_record_subject",
    audit_record.c.subject_id,
    sqlite_where=_ABOUT_SOMETHING,
    postgresql_where=_ABOUT_SOMETHING,
)

audit_seal = Table(
    "audit_seal",
    METADATA,
    Column("number", COUNT, primary_key=True, autoincrement=False),
    Column("first_sequence", COUNT, nullable=False),
    Column("last_sequence", COUNT, nullable=False),
    Column("marks", TEXT, nullable=False),
    Column("previous", KEY, nullable=False),
    Column("hmac", KEY, nullable=False),
    Column("key_id", RING_KEY, nullable=False),
    Column("sealed_at", INSTANT, nullable=False),
    Column("sealed_by", KEY, nullable=False),
    Column("checkpoint", FLAG, nullable=False),
    Column("cut_at", INSTANT),
    Column("cut_done", FLAG, nullable=False),
    Column("cut_hmac", KEY),
    Index(None, "checkpoint", "number"),
)
