"""Which administration commands are there?"""

import typer

from rolecall.cli.admin import (
    audit,
    automatic,
    backup,
    connections,
    database,
    doctor,
    drift,
    events,
    groups,
    held_changes,
    jobs,
    keys,
    leaving,
    mappings,
    report,
    roles,
    scim_log,
    secrets,
    setup,
    subscriptions,
    teams,
    users,
    validations,
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
app.add_typer(teams.app, name="teams")
app.add_typer(roles.app, name="roles")
connections.app.command("validate")(validations.validate)
app.add_typer(connections.app, name="connections")
connections.app.command("decommission")(leaving.decommission)
connections.app.command("recommission")(leaving.recommission)
connections.app.command("leaving")(leaving.show)
app.add_typer(scim_log.app, name="scim-log")
app.add_typer(held_changes.app, name="held-changes")
app.add_typer(drift.app, name="drift")
app.add_typer(mappings.app, name="mappings")
mappings.app.command("choices")(automatic.show_choices)
mappings.app.command("choose")(automatic.choose)
mappings.app.command("reconcile")(automatic.reconcile)
app.add_typer(keys.app, name="keys")
app.add_typer(audit.app, name="audit")
app.add_typer(events.app, name="events")
app.add_typer(secrets.app, name="secrets")
app.add_typer(subscriptions.app, name="subscriptions")
app.add_typer(report.app, name="report")
app.add_typer(jobs.app, name="jobs")
app.add_typer(jobs.schedules, name="schedules")
