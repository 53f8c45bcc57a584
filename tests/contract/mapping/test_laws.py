"""Do assignments equal the union of their sources, whatever is pushed, nested, mapped, renamed and removed?"""

from contextlib import suppress
from dataclasses import dataclass, field

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rolecall.authorization.roles import ADMIN
from rolecall.directory import assignments, groups, installation, provisioned_users, users
from rolecall.directory.errors import GroupNameTaken, LastAdministrator, NoSuchMember
from rolecall.directory.model import ROOT_TEAM, AddMembers, EditProfile, Held, RemoveMembers, SourceKind
from rolecall.kernel.errors import NotFound
from rolecall.mapping import mappings
from rolecall.mapping.model import MatchKind
from tests.make.actors import PROVISIONER
from tests.make.directory import ANY_VERSION, administrator, group_profile, setting, user_profile
from tests.make.mapping import OPERATOR, VIEWER, draft, finish_reconciling, target
from tests.make.transactions import copy_of, installed_on

USERS = ("ada", "bob", "eve")
GROUPS = ("a1", "a2", "b1")
PATTERNS = ("a.*", "a1", "b.*")
ROLES = (VIEWER, OPERATOR, ADMIN)
VALUES = ("x", "y")
REFUSALS = (LastAdministrator, NoSuchMember, NotFound, GroupNameTaken)

USER, GROUP = st.sampled_from(USERS), st.sampled_from(GROUPS)
MEMBER = st.one_of(USER, GROUP)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("push_user"), USER, st.frozensets(st.sampled_from(VALUES))),
        st.tuples(st.just("delete_user"), USER),
        st.tuples(st.just("switch_user"), USER, st.booleans()),
        st.tuples(st.just("carry"), USER, st.frozensets(st.sampled_from(VALUES))),
        st.tuples(st.just("push_group"), GROUP, st.frozensets(MEMBER, max_size=3)),
        st.tuples(st.just("delete_group"), GROUP),
        st.tuples(st.just("rename"), GROUP, st.sampled_from([*GROUPS, "a3", "b2", "c"])),
        st.tuples(st.just("add"), GROUP, MEMBER),
        st.tuples(st.just("remove"), GROUP, MEMBER),
        st.tuples(st.just("map"), st.sampled_from(PATTERNS), st.sampled_from(ROLES)),
        st.tuples(st.just("map_value"), st.sampled_from(VALUES), st.sampled_from(ROLES)),
        st.tuples(st.just("unmap"), st.integers(0, 3)),
        st.tuples(st.just("assign"), USER, st.sampled_from(ROLES)),
        st.tuples(st.just("unassign"), USER, st.sampled_from(ROLES)),
    ),
    max_size=14,
)


@dataclass
class World:
    """What ought to be, kept in the simplest way: facts only, from which everything else is worked out anew."""

    installed: object
    ids: dict = field(default_factory=dict)
    names: dict = field(default_factory=dict)
    values: dict = field(default_factory=dict)
    members: set = field(default_factory=set)
    mapped: list = field(default_factory=list)
    by_hand: set = field(default_factory=set)

    def do(self, step):
        """Carry a step out, here and there; where it is refused, nothing changes here."""
        kind, *arguments = step
        with suppress(*REFUSALS, KeyError):  # KeyError: what the step is about is not there
            getattr(self, kind)(*arguments)

    def push_user(self, name, values):
        if name in self.ids:
            return
        profile = user_profile(name, roles=[{"value": value} for value in sorted(values)])
        self.ids[name] = self.installed.change(provisioned_users.create_user, profile, actor=PROVISIONER).id
        self.values[name] = values

    def delete_user(self, name):
        self.installed.change(users.delete_user, self.ids[name])
        self.by_hand = {each for each in self.by_hand if each[0] != name}
        self._gone(name)
        del self.values[name]

    def switch_user(self, name, on):
        if on:
            self.installed.change(users.reactivate_user, self.ids[name])
        else:
            self.installed.change(users.deactivate_user, self.ids[name], reason="x")

    def carry(self, name, values):
        change = setting(roles=[{"value": value} for value in sorted(values)])
        self.installed.change(provisioned_users.change_user, self.ids[name], change, ANY_VERSION, actor=PROVISIONER)
        self.values[name] = values

    def push_group(self, name, members):
        if name in self.ids:
            return
        known = [each for each in members if each in self.ids]
        created = self.installed.change(
            groups.create_group, group_profile(name), tuple(self.ids[each] for each in known), actor=PROVISIONER
        )
        self.ids[name] = created.id
        self.names[name] = name
        self.members |= {(name, each) for each in known}

    def delete_group(self, name):
        self.installed.change(groups.delete_group, self.ids[name], ANY_VERSION, actor=PROVISIONER)
        self.members = {each for each in self.members if each[0] != name}
        self._gone(name)
        del self.names[name]

    def rename(self, name, new):
        self.names[name]
        self._change(name, EditProfile(change=setting(displayName=new)))
        self.names[name] = new

    def add(self, name, member):
        self._change(name, AddMembers(operation=0, members=(self.ids[member],)))
        self.members.add((name, member))

    def remove(self, name, member):
        self._change(name, RemoveMembers(operation=0, members=(self.ids[member],)))
        self.members.discard((name, member))

    def map(self, pattern, role):
        made = self.installed.change(mappings.create_mapping, draft(pattern, target(role), by=MatchKind.PATTERN))
        self.mapped.append((made.id, SourceKind.SCIM_GROUP, pattern, role))

    def map_value(self, value, role):
        made = self.installed.change(mappings.create_mapping, draft(value, target(role), source=SourceKind.SCIM_ROLE))
        self.mapped.append((made.id, SourceKind.SCIM_ROLE, value, role))

    def unmap(self, number):
        if number < len(self.mapped):
            self.installed.change(mappings.delete_mapping, self.mapped[number][0], ANY_VERSION)
            del self.mapped[number]

    def assign(self, name, role):
        self.installed.change(assignments.assign_role, self.ids[name], role=role)
        self.by_hand.add((name, role))

    def unassign(self, name, role):
        self.installed.change(assignments.remove_role, self.ids[name], role=role)
        self.by_hand.discard((name, role))

    def wanted(self):
        """Work out who ought to hold what from which source, from the facts alone."""
        found = {self._held(name, role, "manual") for name, role in self.by_hand}
        for _, kind, match, role in self.mapped:
            if kind is SourceKind.SCIM_ROLE:
                found |= {
                    self._held(name, role, f"scim-role:{match}") for name in self.values if match in self.values[name]
                }
                continue
            for group, display in self.names.items():
                fits = display.startswith(match[:-2]) if match.endswith(".*") else display == match
                if fits:
                    found |= {self._held(name, role, f"scim-group:{self.ids[group]}") for name in self._users_in(group)}
        return found

    def held(self):
        """Return what is held there, by those who take part in this."""
        rows = self.installed.ask(
            lambda tx: tx.connection.execute("SELECT user_id, team_id, role_id, source FROM assignment").fetchall()
        )
        ours = {self.ids[name] for name in self.values}
        return {Held(user_id=row[0], team_id=row[1], role=row[2], source=row[3]) for row in rows if row[0] in ours}

    def _users_in(self, group):
        found, waiting = set(), [group]
        while waiting:
            for member in [each for outer, each in self.members if outer == waiting[0]]:
                if member not in found:
                    found.add(member)
                    waiting.extend([member] if member in self.names else [])
            waiting.pop(0)
        return found & self.values.keys()

    def _held(self, name, role, source):
        return Held(user_id=self.ids[name], team_id=ROOT_TEAM, role=role, source=source)

    def _change(self, name, step):
        self.names[name]
        self.installed.change(
            groups.change_group, self.ids[name], (step,), ANY_VERSION, with_members=False, actor=PROVISIONER
        )

    def _gone(self, name):
        self.members = {each for each in self.members if each[1] != name}
        del self.ids[name]


LAW = settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])


BEGINNING = st.fixed_dictionaries({name: st.frozensets(MEMBER, min_size=1, max_size=3) for name in GROUPS})


@LAW
@given(beginning=BEGINNING, steps=STEPS, at_once=st.sampled_from([1, 2, 1000]), with_root=st.booleans())
def test_assignments_are_the_union_of_their_sources_after_every_step(
    sqlite_template, beginning, steps, at_once, with_root
):
    with copy_of(sqlite_template) as database, installed_on(database) as installed:
        installed.change(installation.set_users_at_once, at_once)
        if with_root:
            administrator(installed)
        world = World(installed)
        somebody = False
        # Something to begin with, or else most steps would have nothing to be about.
        first = [("push_user", name, frozenset({VALUES[0]})) for name in USERS]
        first += [("push_group", name, members) for name, members in beginning.items()]
        for step in [*first, ("map", PATTERNS[0], VIEWER), *steps]:
            world.do(step)
            in_doubt = installed.count_rows("reconciling") > 0
            if in_doubt and at_once == 1:
                finish_reconciling(installed, limit=2)
            if not in_doubt or at_once == 1:
                assert world.held() == world.wanted(), step
            # Nothing counts without its source, not even while slices are waiting.
            for name in world.values:
                counting = installed.ask(assignments.list_assignments, world.ids[name])
                held = {
                    Held(user_id=world.ids[name], team_id=each.team_id, role=each.role, source=source.name)
                    for each in counting
                    for source in each.sources
                }
                assert held <= world.wanted(), step
            administrators = installed.ask(assignments.count_administrators)
            assert administrators or not somebody, step
            somebody = administrators > 0
        finish_reconciling(installed, limit=2)
        assert world.held() == world.wanted()


PUSHES = st.lists(
    st.one_of(
        st.tuples(st.just("add"), GROUP, MEMBER),
        st.tuples(st.just("map"), st.sampled_from(PATTERNS), st.sampled_from([VIEWER, OPERATOR])),
        st.tuples(st.just("map_value"), st.sampled_from(VALUES), st.sampled_from([VIEWER, OPERATOR])),
        st.tuples(st.just("carry"), USER, st.just(frozenset(VALUES))),
        st.tuples(st.just("assign"), USER, st.just(VIEWER)),
    ),
    max_size=8,
    unique_by=lambda step: step[:2] if step[0] == "carry" else step,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data(), pushes=PUSHES)
def test_the_order_of_arrival_does_not_matter_and_a_replay_changes_nothing(sqlite_template, data, pushes):
    def arrive(order):
        with copy_of(sqlite_template) as database, installed_on(database) as installed:
            world = World(installed)
            for name in USERS:
                world.do(("push_user", name, frozenset()))
            for name in GROUPS:
                world.do(("push_group", name, frozenset()))
            for step in order:
                world.do(step)
            before, happened = world.held(), len(installed.events())
            for step in order:
                if not step[0].startswith("map"):
                    world.do(step)
            assert (world.held(), len(installed.events())) == (before, happened)
            back = {identifier: name for name, identifier in world.ids.items()}
            return {
                (back[each.user_id], each.role, back.get(each.source.partition(":")[2], each.source)) for each in before
            }

    assert arrive(pushes) == arrive(data.draw(st.permutations(pushes)))
