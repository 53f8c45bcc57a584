"""How is it told from the command line what SCIM requests would do?"""

from typing import TYPE_CHECKING, Any

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.radius import print_radius
from rolecall.cli.admin.tailing import as_text_line
from rolecall.cli.changes import make_change
from rolecall.cli.output import print_json, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    import typer

    from rolecall.api.scim.previews import Played, Previewed
    from rolecall.connections.model import Connection
    from rolecall.main import Rolecall


def previewed(
    rolecall: "Rolecall", context: "typer.Context", played: "Sequence[Played]", connection: "Connection | None"
) -> "Previewed":
    """Rehearse requests, and leave a record of who asked; nothing else is kept."""
    import asyncio

    from rolecall.api.scim.declaration_files import load_registry
    from rolecall.api.scim.previews import front_for, preview_requests, within_scope
    from rolecall.main import scim_front

    front = scim_front(rolecall.settings, load_registry(rolecall.settings.scim_declarations))
    if connection is not None:
        front, played = front_for(front, connection), within_scope(played, connection)
    make_change(rolecall, context, lambda _tx: None)
    rehearsal = asyncio.run(
        rolecall.transactions.rehearse_in_order(
            COMMAND_LINE, lambda rehearsing: preview_requests(rehearsing, played, front)
        )
    )
    return rehearsal.value


def print_preview(preview: dict[str, Any], *, as_json: bool) -> None:
    """Print what JSON has of a preview."""
    if as_json:
        print_json(preview)
        return
    rows = [
        (
            as_text_line([each["scim_log_id"] or "", f"{each['method']} {each['path']}"]),
            _answer(each),
            each["radius"]["lost_count"],
            each["radius"]["gained_count"],
            each["not_played_because"] or each["detail"],
        )
        for each in preview["calls"]
    ]
    print_table(("CALL", "ANSWER", "LOST", "GAINED", "WHY"), rows, empty="There is nothing to preview.")
    print_radius(preview["total"])
    if not preview["is_complete"]:
        print("These are not all calls: there are more than are played at once, or the time was up.")
    print("Nothing was changed.")


def _answer(call: dict[str, Any]) -> str:
    if call["not_played_because"] is not None:
        return "not played"
    if call["http_status"] is None:
        return "only reads"
    return " ".join(str(each) for each in (call["http_status"], call["error_reason"]) if each)
