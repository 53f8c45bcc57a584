"""Do migrations make the tables that the code expects, both ways, on either database?"""

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import NullPool, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError

from rolecall.directory.model import DEFAULT_CONNECTION, ROOT_TEAM
from rolecall.kernel.errors import Unavailable
from rolecall.migrations.migrate import current, downgrade, head, upgrade
from rolecall.migrations.tables import METADATA
from rolecall.storage.engine import migration_url
from tests.make.databases import SQLITE, fresh_database


@pytest.fixture
def engine(database):
    engine = create_engine(migration_url(database.url), poolclass=NullPool)
    yield engine
    engine.dispose()


@pytest.fixture
def built(database, request):
    """Another database of the same kind, with the tables made from the declarations."""
    with fresh_database(database.kind, lambda: request.getfixturevalue("postgresql")) as other:
        engine = create_engine(migration_url(other.url), poolclass=NullPool)
        METADATA.create_all(engine)
        yield engine
        engine.dispose()


def tables(engine):
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


SQLITE_SCHEMA = """
    SELECT t.name, t.wr, t.strict, c.name, upper(c.type), c."notnull", c.pk, c.dflt_value
    FROM pragma_table_list t JOIN pragma_table_info(t.name) c WHERE t.schema = 'main' AND t.name NOT LIKE 'sqlite%'
    UNION ALL
    SELECT m.tbl_name, m.name, i."unique", i.partial, k.seqno, k.name, k.desc, k.coll
    FROM sqlite_master m JOIN pragma_index_list(m.tbl_name) i ON i.name = m.name JOIN pragma_index_xinfo(m.name) k
    UNION ALL
    SELECT m.name, f."table", f."from", f."to", f.on_delete, f.on_update, f.seq, f."match"
    FROM sqlite_master m JOIN pragma_foreign_key_list(m.name) f WHERE m.type = 'table'
    UNION ALL
    SELECT name, sql LIKE '%AUTOINCREMENT%', 0, 0, 0, 0, 0, 0 FROM sqlite_master WHERE type = 'table'
"""
POSTGRESQL_SCHEMA = """
    SELECT table_name::text, column_name::text, data_type::text, collation_name::text, is_nullable::text
    FROM information_schema.columns WHERE table_schema = 'public'
    UNION ALL
    SELECT tablename::text, indexname::text, indexdef, '', '' FROM pg_indexes WHERE schemaname = 'public'
    UNION ALL
    SELECT conrelid::regclass::text, conname::text, pg_get_constraintdef(oid), '', ''
    FROM pg_constraint WHERE connamespace = 'public'::regnamespace
"""


def schema(engine):
    """Return all that the database itself says of its tables."""
    query = SQLITE_SCHEMA if engine.dialect.name == "sqlite" else POSTGRESQL_SCHEMA
    with engine.connect() as connection:
        rows = connection.execute(text(query)).fetchall()
    return sorted(repr(tuple(row)) for row in rows if row[0] != "alembic_version")


def test_a_database_goes_up_and_down_and_up_again(database, engine):
    assert current(database.url) is None
    upgrade(database.url)
    assert current(database.url) == head()
    assert tables(engine) == set(METADATA.tables)
    first = schema(engine)
    downgrade(database.url, "base")
    assert current(database.url) is None
    assert tables(engine) == set()
    upgrade(database.url)
    assert current(database.url) == head()
    assert schema(engine) == first


def test_going_up_twice_changes_nothing(database, engine):
    upgrade(database.url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO setup_link (token_hash, created_at, expires_at) VALUES ('x', 0, 0)"))
    upgrade(database.url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM setup_link")).scalar() == 1


def test_alembic_finds_no_difference_between_the_declarations_and_a_migrated_database(database, engine):
    upgrade(database.url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, METADATA) == []


def test_a_migrated_database_is_in_everything_as_the_declarations_make_one(database, engine, built):
    upgrade(database.url)
    assert schema(engine) == schema(built)
    assert len(schema(engine)) > 100


def test_the_team_root_is_there_from_the_start(database, engine):
    upgrade(database.url)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT id, name FROM team")).fetchall() == [(ROOT_TEAM, "Root")]


def test_a_step_that_fails_leaves_nothing_behind(database, engine):
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE user_email (in_the_way INTEGER)"))
    with pytest.raises(DBAPIError):
        upgrade(database.url)
    assert tables(engine) == {"user_email"}
    assert current(database.url) is None
    with engine.begin() as connection:
        connection.execute(text("DROP TABLE user_email"))
    upgrade(database.url)
    assert current(database.url) == head()


@pytest.mark.parametrize(
    "url", ["sqlite:////nowhere/at/all/rolecall.sqlite3", "postgresql://nobody@127.0.0.1:1/nothing"]
)
def test_a_database_that_cannot_be_reached_is_told_plainly(url):
    for attempt in (upgrade, current):
        with pytest.raises(Unavailable):
            attempt(url)


def test_identifiers_are_ordered_by_code_point_on_both(database, engine):
    upgrade(database.url)
    names = ["A", "Z", "a", "z", "~", "\u00e4", "\uffff", "\U00010000"]
    with engine.begin() as connection:
        for name in reversed(names):
            connection.execute(text("INSERT INTO installation (name, value) VALUES (:name, '')"), {"name": name})
        rows = connection.execute(text("SELECT name FROM installation ORDER BY name")).fetchall()
    assert [row[0] for row in rows if row[0] in names] == names
    assert (database.kind == SQLITE) == (engine.dialect.name == "sqlite")


BEFORE_CONNECTIONS = """
    INSERT INTO directory_user (id, kind, state, provisioned, break_glass, user_name_key, display, profile, version,
        created_at, changed_at) VALUES ('pushed', 'person', 'active', 1, 0, 'a', 'A', '{}', 1, 0, 0),
        ('local', 'person', 'active', 0, 0, 'b', 'B', '{}', 1, 0, 0);
    INSERT INTO directory_group (id, display, display_name_key, profile, version, created_at, changed_at)
        VALUES ('group', 'G', 'g', '{}', 1, 0, 0);
    INSERT INTO group_member (group_id, member_id, member_kind, added_at) VALUES ('group', 'pushed', 'User', 0);
    INSERT INTO api_key (id, secret_hash, name, user_id, team_id, role_id, created_at)
        VALUES ('k', '', 'SCIM', 'local', 'root', 'scim_provisioner', 0), ('a', '', 'Admin', 'local', 'root', NULL, 0);
    UPDATE total SET value = 1;
    INSERT INTO installation (name, value) VALUES ('scim_enabled', 'true')
"""


def test_what_was_pushed_before_there_were_connections_belongs_to_the_default_one(database, engine):
    upgrade(database.url)
    downgrade(database.url, "0009")
    with engine.begin() as connection:
        for statement in BEFORE_CONNECTIONS.split(";"):
            connection.execute(text(statement))
    upgrade(database.url)
    with engine.connect() as connection:

        def rows(query):
            return [tuple(row) for row in connection.execute(text(query))]

        assert rows("SELECT id, state FROM scim_connection") == [(DEFAULT_CONNECTION, "ON")]
        assert rows("SELECT id, connection_id FROM directory_user ORDER BY id") == [
            ("local", None),
            ("pushed", DEFAULT_CONNECTION),
        ]
        assert rows("SELECT connection_id FROM directory_group") == [(DEFAULT_CONNECTION,)]
        assert rows("SELECT member_id FROM group_member") == [("pushed",)]
        assert rows("SELECT id, connection_id FROM api_key ORDER BY id") == [("a", None), ("k", DEFAULT_CONNECTION)]
        assert rows("SELECT name, value FROM total ORDER BY name") == [
            (f"groups:{DEFAULT_CONNECTION}", 1),
            (f"provisioned_users:{DEFAULT_CONNECTION}", 1),
        ]
    downgrade(database.url, "0009")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT value FROM total ORDER BY name")).scalars().all() == [1, 1]


MEMBERS_CHANGED = """
    INSERT INTO event (id, happened_at, type, category, severity, actor_kind, request_id, data) VALUES
        ('1', 0, 'directory.group.members-changed', 'SYSTEM', 'INFO', 'api_key', 'r1',
            '{"group_id":"g","added":["a","b"],"removed":["c"]}'),
        ('2', 0, 'directory.group.members-changed', 'SYSTEM', 'INFO', 'api_key', 'r1', '{"added":[],"removed":["a"]}'),
        ('3', 0, 'directory.group.members-changed', 'SYSTEM', 'INFO', 'system', NULL, '{"added":["d"],"removed":[]}'),
        ('4', 0, 'directory.user.created', 'SYSTEM', 'INFO', 'api_key', 'r2', '{"added":["e"]}')
"""


def test_whom_older_events_mention_is_found_after_the_upgrade(database, engine):
    upgrade(database.url)
    downgrade(database.url, "0010")
    with engine.begin() as connection:
        connection.exec_driver_sql(MEMBERS_CHANGED)
    upgrade(database.url)
    with engine.connect() as connection:
        found = connection.execute(text("SELECT mentioned_id, request_id FROM event_mention ORDER BY 1")).fetchall()
    assert [tuple(row) for row in found] == [("a", "r1"), ("b", "r1"), ("c", "r1")]


def test_whom_fresh_events_mention_is_kept_by_a_downgrade(database, engine):
    upgrade(database.url)
    with engine.begin() as connection:
        connection.exec_driver_sql("INSERT INTO event_mention (mentioned_id, request_id) VALUES ('a', 'r1')")
        connection.exec_driver_sql(
            "INSERT INTO fresh_mention (mentioned_id, request_id) VALUES ('b', 'r2'), ('a', 'r1'), ('b', 'r2')"
        )
    downgrade(database.url, "0012")
    with engine.connect() as connection:
        found = connection.execute(text("SELECT mentioned_id, request_id FROM event_mention ORDER BY 1")).fetchall()
    assert [tuple(row) for row in found] == [("a", "r1"), ("b", "r2")]
