"""How does an installation get its first keys?"""

from typing import TYPE_CHECKING, Annotated

import typer

from rolecall.authorization.actor import COMMAND_LINE
from rolecall.cli.admin.installation import opened
from rolecall.cli.changes import make_change
from rolecall.cli.options import AsJson, DatabaseUrl, DataDir, Team, setting
from rolecall.cli.output import print_fields, print_json
from rolecall.kernel.errors import DomainError, ErrorKind

if TYPE_CHECKING:
    from rolecall.authentication.model import NewApiKey
    from rolecall.directory.model import User
    from rolecall.main import Rolecall
    from rolecall.storage.transaction import WriteTx

_ONLY_ONCE = "The key is shown only this once; Rolecall keeps no copy of it."


class NotAServiceUser(DomainError):
    """A person's user is not taken for a machine: its key would end with that person's access."""

    kind = ErrorKind.CONFLICT
    code = "not_a_service_user"


def scim_setup(
    context: typer.Context,
    *,
    user_name: Annotated[
        str, typer.Option("--user-name", help="The service user that the identity provider acts as.")
    ] = "scim",
    public_url: Annotated[str | None, setting("public_url")] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Get ready for an identity provider: service user, API key, SCIM on. Prints what to enter there.

    Each call makes one more key, so that a key can be replaced without a gap: set the new one up at the
    provider, then end the old one with `rolecall admin keys revoke`.
    """
    from rolecall.authentication.api_keys import create_api_key
    from rolecall.authorization.roles import SCIM_PROVISIONER
    from rolecall.connections.connections import switch_default
    from rolecall.directory.assignments import assign_role
    from rolecall.directory.installation import set_public_url
    from rolecall.directory.model import DEFAULT_CONNECTION

    def set_up(tx: "WriteTx") -> "NewApiKey":
        user = _get_or_create_service_user(tx, user_name)
        assign_role(tx, user.id, role=SCIM_PROVISIONER)
        if url is not None:
            set_public_url(tx, url)
        switch_default(tx, on=True)
        return create_api_key(tx, user_id=user.id, name="SCIM", role=SCIM_PROVISIONER, connection_id=DEFAULT_CONNECTION)

    url = _parsed(public_url)
    with opened(data_dir, database_url, create=True) as rolecall:
        made = make_change(rolecall, context, set_up)
        base_url = f"{_public_url(rolecall)}/scim/v2"
    if as_json:
        print_json({"base_url": base_url, "api_key": made.secret, "user_name": user_name, "key_id": made.key.id})
        return
    print_fields({"Base URL": base_url, "API key": made.secret, "Key id": made.key.id, "User": user_name})
    print(f"\nEnter the base URL and the key at your identity provider. {_ONLY_ONCE}")


def create_key(
    context: typer.Context,
    *,
    user_name: Annotated[str, typer.Option("--user-name", help="The user that the key acts as.", show_default=False)],
    role: Annotated[
        str | None,
        typer.Option("--role", help="What the key may do: this role of its user. Left out: all its user may do."),
    ] = None,
    create_user: Annotated[
        bool, typer.Option("--create-user", help="Make the user, a service user with this role, when there is none.")
    ] = False,
    team: Team = "Root",
    name: Annotated[str, typer.Option("--name", help="What the key is for; shown in lists.")] = "Command line",
    expires_in_days: Annotated[
        int | None, typer.Option("--expires-in-days", min=1, max=3650, help="End the key after so many days.")
    ] = None,
    data_dir: DataDir = None,
    database_url: DatabaseUrl = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key for automation and print it once."""
    from datetime import timedelta

    from rolecall.authentication.api_keys import create_api_key
    from rolecall.authentication.model import KeyLimits
    from rolecall.directory.assignments import assign_role
    from rolecall.directory.roles import get_role_by_name
    from rolecall.directory.teams import get_team_by_name
    from rolecall.directory.users import create_service_user, find_user_by_name, get_user_by_name

    def create(tx: "WriteTx") -> "NewApiKey":
        team_id = get_team_by_name(tx, team).id
        role_id = None if role is None else get_role_by_name(tx, role).id
        user = find_user_by_name(tx, user_name) if create_user else get_user_by_name(tx, user_name)
        if user is None:
            user = create_service_user(tx, user_name=user_name)
            if role_id is not None:
                assign_role(tx, user.id, role=role_id, team_id=team_id)
        expires_at = None if expires_in_days is None else tx.now + timedelta(days=expires_in_days)
        limits = KeyLimits(expires_at=expires_at)
        return create_api_key(tx, user_id=user.id, name=name, role=role_id, team_id=team_id, limits=limits)

    with opened(data_dir, database_url, create=create_user) as rolecall:
        made = make_change(rolecall, context, create)
    if as_json:
        shown = {"api_key": made.secret, "key_id": made.key.id, "user_name": made.key.user_name}
        print_json({**shown, "role": made.key.role, "team": team})
        return
    print_fields(
        {
            "API key": made.secret,
            "Key id": made.key.id,
            "User": made.key.user_name,
            "Role": made.key.role or "all that the user may do",
            "Team": team,
        }
    )
    print(f"\n{_ONLY_ONCE}")


def setup_link(
    context: typer.Context, *, data_dir: DataDir = None, database_url: DatabaseUrl = None, as_json: AsJson = False
) -> None:
    """Print a new one-time link to the page that creates the first administrator. Earlier links end."""
    from rolecall.authentication.setup_links import create_setup_link

    with opened(data_dir, database_url, create=True) as rolecall:
        token = make_change(rolecall, context, create_setup_link)
        url = f"{_public_url(rolecall)}/setup?token={token}"
    if as_json:
        print_json({"setup_url": url})
        return
    print(url)


def _get_or_create_service_user(tx: "WriteTx", user_name: str) -> "User":
    from rolecall.directory.model import UserKind
    from rolecall.directory.users import create_service_user, find_user_by_name

    user = find_user_by_name(tx, user_name)
    if user is None:
        return create_service_user(tx, user_name=user_name)
    if user.kind is not UserKind.SERVICE:
        raise NotAServiceUser(f"{user.user_name} is a person. Name a service user, or a new one, with --user-name.")
    return user


def _parsed(public_url: str | None) -> str | None:
    from rolecall.settings import InvalidSetting, parse_public_url

    if public_url is None:
        return None
    try:
        return parse_public_url(public_url)
    except ValueError as error:
        raise InvalidSetting(f"--public-url: {error}.") from error


def _public_url(rolecall: "Rolecall") -> str:
    """Return where Rolecall is reached; before it was ever served, where it will be by its settings."""
    from rolecall.directory.installation import get_installation

    kept = rolecall.transactions.run_read(COMMAND_LINE, get_installation).public_url
    return kept or rolecall.settings.public_url or rolecall.settings.listening_url
