"""Where do tests get a company from that is about to leave its identity provider?"""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from rolecall.authorization.actor import SYSTEM, Actor
from rolecall.connections import connections
from rolecall.connections.leaving import decommissioning
from rolecall.connections.leaving.jobs import come_back, leave, settle
from rolecall.connections.leaving.model import AssignmentsChoice, Plan, Report, UsersChoice
from rolecall.connections.model import ConnectionDraft, ConnectionState
from rolecall.directory import assignments, groups, provisioned_users, users
from rolecall.directory.model import ConnectionId, GroupId, SourceKind, User, UserId
from rolecall.jobs import queue
from rolecall.kernel.document import Json
from rolecall.mapping.model import MatchKind
from tests.make.actors import PROVISIONER
from tests.make.directory import group_profile, user_profile
from tests.make.mapping import OPERATOR, VIEWER, mapping, roles_of, target, team
from tests.make.transactions import Installed

DAY = timedelta(days=1)
JOBS = {
    decommissioning.LEAVE: leave,
    decommissioning.RETURN: come_back,
    decommissioning.SETTLE: settle,
}


class Company:
    """Okta, whose people are in groups that give, and Entra, that may take over."""

    def __init__(self, installed: Installed) -> None:
        self.installed = installed
        make = connections.create_connection
        on = ConnectionState.ON
        self.okta = installed.change(make, ConnectionDraft(name="Okta", state=on)).id
        self.entra = installed.change(make, ConnectionDraft(name="Entra", state=on)).id
        self.key = installed.change(connections.rotate_credential, self.okta, overlap=timedelta()).secret
        self.sales = team(installed).id
        self.ada, self.bob, self.eve = (self.user(name) for name in ("ada", "bob", "eve"))
        self.roles = self.user("rob", roles=[{"value": "auditors"}])
        self.inner = self.group("Builders", self.ada, externalId="g-inner")
        self.outer = self.group("Engineers", self.inner, self.bob, externalId="g-outer")
        mapping(installed, "Engineers", target(VIEWER), target(OPERATOR, self.sales))
        mapping(installed, "auditors", target(VIEWER), by=MatchKind.ID, source=SourceKind.SCIM_ROLE)
        installed.change(assignments.assign_role, self.bob, role=VIEWER)
        installed.clock.advance(DAY)

    def actor(self, owner: ConnectionId | None = None) -> Actor:
        """Return who pushes for a connection: Okta, unless told otherwise."""
        return replace(PROVISIONER, connection_id=owner or self.okta)

    def user(self, name: str, owner: ConnectionId | None = None, **attributes: Json) -> UserId:
        """Push a user."""
        # Ids are in the order in which people came.
        self.installed.clock.advance(timedelta(seconds=1))
        profile = user_profile(name, **{"externalId": f"x-{name}", **attributes})
        return self.installed.change(provisioned_users.create_user, profile, actor=self.actor(owner)).id

    def group(self, name: str, *members: str, owner: ConnectionId | None = None, **attributes: Json) -> GroupId:
        """Push a group."""
        profile = group_profile(name, **attributes)
        return self.installed.change(groups.create_group, profile, members, actor=self.actor(owner)).id

    def plan(self, users: UsersChoice, kept: AssignmentsChoice) -> Plan:
        """Return what is chosen; Entra takes over if anybody does."""
        return Plan(
            users=users, assignments=kept, to_connection_id=self.entra if users is UsersChoice.HAND_OVER else None
        )

    def begin(self, users: UsersChoice, kept: AssignmentsChoice, undo_within: timedelta = 3 * DAY) -> Report:
        """Let Okta begin to leave."""
        plan = self.plan(users, kept)
        decommission = decommissioning.decommission_connection
        return self.installed.change(decommission, self.okta, plan, undo_within=undo_within)

    def leave(self, users: UsersChoice, kept: AssignmentsChoice, undo_within: timedelta = 3 * DAY) -> Report:
        """Let Okta leave to the end."""
        self.begin(users, kept, undo_within)
        self.work()
        return self.installed.ask(decommissioning.get_report, self.okta)

    def come_back(self) -> None:
        """Let Okta come back to the end."""
        self.installed.change(decommissioning.recommission_connection, self.okta)
        self.work()

    def work(self) -> None:
        """Do all jobs that are due, as a server does."""
        while taken := self.installed.change(queue.take_jobs, kinds=list(JOBS), runner="r", limit=1, actor=SYSTEM):
            JOBS[taken[0].kind](self.installed.transactions, taken[0])
            self.installed.change(queue.finish, taken[0])

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """Return all that is to come back: rows without versions, dates of change, and what counts them."""
        queries = {
            "users": "SELECT id, state, provisioned, connection_id, profile FROM directory_user ORDER BY id",
            "groups": "SELECT id, display, external_id, connection_id, profile FROM directory_group ORDER BY id",
            "members": "SELECT group_id, member_id, member_kind, added_at FROM group_member ORDER BY 1, 2",
            "resources": "SELECT id, connection_id FROM directory_resource ORDER BY id",
            "values": "SELECT user_id, kind, value, since_at FROM carried_value ORDER BY 1, 2, 3",
            "held": "SELECT user_id, team_id, role_id, source, since_at FROM assignment ORDER BY 1, 2, 3, 4",
            "given": "SELECT source, team_id, role_id FROM given ORDER BY 1, 2, 3",
            "mapped": "SELECT source, mapping_id FROM mapped ORDER BY 1, 2",
            "totals": "SELECT name, value FROM total ORDER BY 1",
            "connections": "SELECT id, state FROM scim_connection ORDER BY 1",
            "left": "SELECT count(*) FROM scim_left",
            "leaving": "SELECT count(*) FROM scim_leaving",
        }
        return {
            name: self.installed.ask(
                lambda tx, query=query: [tuple(r) for r in tx.connection.execute(query).fetchall()]
            )
            for name, query in queries.items()
        }

    def find(self, user_id: UserId) -> User:
        """Return a user as it is."""
        found: User = self.installed.ask(users.get_user, user_id)
        return found

    def roles_of(self, user_id: UserId) -> dict[tuple[str, str], set[str]]:
        """Return the sources of what a user holds, by team and role."""
        return roles_of(self.installed, user_id)
