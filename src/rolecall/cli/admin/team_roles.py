"""How is it said what a user holds, and why?"""

from typing import TYPE_CHECKING, Any

from rolecall.kernel.clock import to_rfc3339

if TYPE_CHECKING:
    from rolecall.mapping.explain import ExplainedSource, TeamRole


def lines_of(held: "TeamRole") -> list[str]:
    """Return what a user holds in one line, and below it a line for each source."""
    kinds = ", ".join(_short(source) for source in held.sources)
    return [f"{held.role_id} in {held.team_name} ({kinds})", *(f"  {_long(source)}" for source in held.sources)]


def team_role_to_json(held: "TeamRole", *, explain: bool) -> dict[str, Any]:
    """Return what a user holds as programs get it; with the way to each source when it is to be explained."""
    return {
        "team_id": held.team_id,
        "team_name": held.team_name,
        "role_id": held.role_id,
        "role_name": held.role_name,
        "sources": [_source_to_json(source, explain=explain) for source in held.sources],
    }


def _source_to_json(source: "ExplainedSource", *, explain: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "kind": source.kind.name,
        "id": source.id,
        "name": source.name,
        "since": to_rfc3339(source.since),
    }
    if explain:
        shown["path"] = [{"id": step.id, "name": step.name, "since": to_rfc3339(step.since)} for step in source.path]
        shown["mappings"] = [
            {
                "id": each.id,
                "match_kind": each.match_kind.value,
                "match_value": each.match_value,
                "since": to_rfc3339(each.created_at),
            }
            for each in source.mappings
        ]
    return shown


def _short(source: "ExplainedSource") -> str:
    return source.kind.value if source.name is None else f"{source.kind.value} {source.name}"


def _long(source: "ExplainedSource") -> str:
    steps = [f"{step.name} (since {to_rfc3339(step.since)})" for step in source.path]
    steps += [
        f"mapping {each.match_kind.value} {each.match_value!r} (since {to_rfc3339(each.created_at)})"
        for each in source.mappings
    ]
    return " -> ".join([*(steps or ["by hand"]), f"assigned {to_rfc3339(source.since)}"])
