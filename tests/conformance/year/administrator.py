"""What does Rolecall's administrator do in the year, and how does it see who holds what?"""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote

from tests.conformance.year.model import Holding, Mapped, Model, Source, Target
from tests.conformance.year.provider import Provider
from tests.conformance.year.wire import JSON, Wire

READERS = 3
NOT_FOUND = 404


class Administrator:
    """Works by REST, and by the command line where only that can do it."""

    def __init__(self, url: str, key: str, command: Callable[..., str], model: Model) -> None:
        self.wires = [Wire(url, key, JSON, "administrator") for _ in range(READERS)]
        self.command = command
        self.model = model
        self.team_ids: dict[str, str] = {}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask for something that must succeed."""
        answer = self.wires[0].ask(method, f"/api/v1{path}", body)
        assert answer.is_success, f"administrator: {method} {path} {body}: {answer.status} {answer.body}"
        return answer.body

    def walk(self, path: str, **parameters: str) -> list[Any]:
        """Return every item of a list."""
        items: list[Any] = []
        token = ""
        while True:
            query = "&".join(f"{name}={quote(value, safe='')}" for name, value in parameters.items())
            page = self.ask("GET", f"{path}?page_size=100&page_token={quote(token, safe='')}&{query}")
            items += page["values"]
            if not page["has_more"]:
                return items
            token = page["next_page_token"]

    def connect(self, name: str) -> tuple[str, str]:
        """Make a SCIM connection; return its id and a key for its provider."""
        made = self.ask("POST", "/scim_connections", {"name": name, "state": "ON"})["value"]
        key = self.ask("POST", f"/scim_connections/{made['id']}:rotate", {})["value"]["access_key"]
        return made["id"], key

    def make_team(self, name: str) -> None:
        """Make a team that sees everything."""
        made = self.ask("POST", "/teams", {"name": name, "policy_type": "UNBOUND"})["value"]
        self.team_ids[name] = made["id"]

    def map(self, source: str, kind: str, value: str, *gives: Target) -> str:
        """Make a mapping, and let the model know of it."""
        made = self.ask("POST", "/mappings", self._mapping_body(source, kind, value, gives))["value"]
        self.model.mappings[made["id"]] = Mapped(source=source, kind=kind, value=value, gives=frozenset(gives))
        return str(made["id"])

    def change_mapping(self, mapping_id: str, *gives: Target) -> None:
        """Let a mapping give something else."""
        mapped = self.model.mappings[mapping_id]
        body = self._mapping_body(mapped.source, mapped.kind, mapped.value, gives)
        self.ask("PATCH", f"/mappings/{mapping_id}", {"assignments": body["assignments"]})
        self.model.mappings[mapping_id] = Mapped(
            source=mapped.source, kind=mapped.kind, value=mapped.value, gives=frozenset(gives)
        )

    def end_mapping(self, mapping_id: str) -> None:
        """Delete a mapping."""
        self.ask("DELETE", f"/mappings/{mapping_id}")
        del self.model.mappings[mapping_id]

    def change_resource(self, method: str, path: str, body: Any = None) -> None:
        """Change by SCIM what a provider owns, with a key that belongs to no connection."""
        answer = self.wires[0].ask(method, f"/scim/v2{path}", body)
        assert answer.is_success, f"administrator: {method} {path} {body}: {answer.status} {answer.body}"

    def assign(self, provider: Provider, key: str, target: Target) -> None:
        """Give somebody a role by hand."""
        team, role = target
        name = provider.told.people[key].user_name
        self.command("admin", "users", "assign", name, "--role", role, "--team", team)
        self.model.by_hand.setdefault(provider.ids[key], set()).add(target)

    def guard(self, provider: Provider, allowance: int) -> None:
        """Let a connection take something from so many more people than it has already within the hour.

        A year passes in less than an hour. So what the days before have taken is allowed for each morning anew.
        """
        provider.limit = len(provider.losers) + allowance
        body = {"guard_people": provider.limit, "guard_percent": 0}
        self.ask("PATCH", f"/scim_connections/{provider.connection_id}", body)

    def see_held(self, provider: Provider, held_id: str) -> dict[str, Any]:
        """Return one held change, with what it would do."""
        shown: dict[str, Any] = self.ask("GET", f"/held_changes/{held_id}")["value"]
        assert shown["connection_id"] == provider.connection_id
        assert shown["state"] == "HELD"
        return shown

    def decide(self, provider: Provider, held_id: str, verb: str) -> None:
        """Release or drop one held change."""
        self.ask("POST", f"/held_changes/{held_id}:{verb}", {})
        self._decided(provider, held_id, verb)

    def decide_all(self, provider: Provider, verb: str) -> None:
        """Release or drop all held changes of a connection, which are those that its provider was told of."""
        listed = self.walk("/held_changes", connection_id=provider.connection_id, state="HELD")
        assert {each["id"] for each in listed} == set(provider.held)
        for each in listed:
            assert each["losing_people_count"] == len(provider.held[each["id"]].losing), each
        decided, remaining = 0, len(listed)
        while remaining:
            body = {"connection_id": provider.connection_id}
            done = self.ask("POST", f"/held_changes:{verb}", body)["value"]
            assert done["refused"] == [], done
            assert done["decided_count"] > 0, done
            decided, remaining = decided + done["decided_count"], done["remaining_count"]
        assert decided == len(listed)
        for held_id in list(provider.held):
            self._decided(provider, held_id, verb)

    def _decided(self, provider: Provider, held_id: str, verb: str) -> None:
        if verb == "release":
            provider.released(held_id)
        else:
            del provider.held[held_id]

    def see_all(self, user_ids: Iterable[str]) -> dict[str, Holding | None]:
        """Return what each of these users is and holds; None for one that is not there."""
        asked = list(user_ids)
        parts = [asked[at::READERS] for at in range(READERS)]
        with ThreadPoolExecutor(READERS) as readers:
            seen: dict[str, Holding | None] = {}
            for part in readers.map(self._see, self.wires, parts):
                seen |= part
            return seen

    def provisioned_ids(self) -> set[str]:
        """Return the ids of all users that some identity provider owns."""
        return {each["id"] for each in self.walk("/users", order_by="id") if each["is_provisioned"]}

    def _see(self, wire: Wire, user_ids: list[str]) -> dict[str, Holding | None]:
        seen: dict[str, Holding | None] = {}
        for user_id in user_ids:
            answer = wire.ask("GET", f"/api/v1/users/{user_id}")
            assert answer.is_success or answer.status == NOT_FOUND, f"{answer.status} {answer.body}"
            seen[user_id] = _holding(answer.body["value"]) if answer.is_success else None
        return seen

    def _mapping_body(self, source: str, kind: str, value: str, gives: Iterable[Target]) -> dict[str, Any]:
        targets = [{"team_id": self.team_ids[team], "role_id": role} for team, role in sorted(gives)]
        return {"source": source, "match_kind": kind, "match_value": value, "assignments": targets}

    def close(self) -> None:
        for wire in self.wires:
            wire.close()


def _holding(user: dict[str, Any]) -> Holding:
    held: set[tuple[Target, Source]] = set()
    for role in user["team_roles"]:
        for source in role["sources"]:
            held.add(((role["team_name"], role["role_id"]), (source["kind"], source["name"] or "")))
    return Holding(user_name=user["name"], active=user["is_active"], held=frozenset(held))
