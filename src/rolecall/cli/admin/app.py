"""Which administration commands are there?"""

import typer

from rolecall.cli.admin import (
    audit,
    backup,
    database,
    doctor,
    events,
    groups,
    jobs,
    keys,
    report,
    secrets,
    setup,
    subscriptions,
    users,
)

app = typer.Typer(help="Administer an installation from its own machine, also while it serves.", no_args_is_help=True)
app.command("scim-setup")(setup.scim_setup)
app.command("create-key")(setup.create_key)
app.command("setup-link")(setup.setup_link)
app.command("migrate")(database.migrate)
app.command("backup")(backup.backup)
app.command("restore")(backup.restore)
app.command("doctor")(doctor.doctor)
app.add_typer(users.app, name="users")
app.add_typer(groups.app, name="groups")
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(events.app, name="events")
app.add_typer(secrets.app, name="secrets")
app.add_typer(subscriptions.app, name="subscriptions")
app.add_typer(report.app, name="report")
app.add_typer(jobs.app, name="jobs")
app.add_typer(jobs.schedules, name="schedules")
