"""The commands of `evenhand webhooks` and their options."""

from typing import Annotated

import typer

from evenhand.cli.arguments import By, Data, Database, Json

webhooks_app = typer.Typer(help="Where events are sent.", no_args_is_help=True)
Id = Annotated[str, typer.Argument(metavar="ID", help="The webhook's id.")]


@webhooks_app.command("add")
def add(
    url: Annotated[str, typer.Argument(metavar="URL", help="HTTPS, on the public internet.")],
    types: Annotated[
        list[str] | None,
        typer.Option("--type", help="evenhand.ruling.issued, evenhand.case.*; again for more. Every one unless told."),
    ] = None,
    markets: Annotated[list[str] | None, typer.Option("--market", help="Only of this market; again for more.")] = None,
    name: Annotated[str | None, typer.Option("--id", help="A name of your own; one is made unless told.")] = None,
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="For people.")] = "",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Send events to a URL from now on; prints the secret they are signed by, once."""
    from evenhand.cli import webhooks

    values = {"url": url, "types": types or [], "markets": markets or [], "note": note} | ({"id": name} if name else {})
    webhooks.run_add(values, data=data, database=database, as_json=json)


@webhooks_app.command("list")
def listed(data: Data = None, database: Database = None, json: Json = False) -> None:
    """Every webhook, and how it goes."""
    from evenhand.cli import webhooks

    webhooks.show(data=data, database=database, as_json=json)


@webhooks_app.command("deliveries")
def deliveries(
    webhook: Id,
    state: Annotated[str | None, typer.Option("--state", help="waiting, delivered or dead.")] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many at most.")] = 20,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """What was sent, the latest event first, and what came back."""
    from evenhand.cli import webhooks

    webhooks.show_deliveries(webhook, state, limit, data=data, database=database, as_json=json)


@webhooks_app.command("test")
def send_test(webhook: Id, data: Data = None, database: Database = None, json: Json = False) -> None:
    """Send a test event now; exit code 1 when it does not arrive."""
    from evenhand.cli import webhooks

    webhooks.run_test(webhook, data=data, database=database, as_json=json)


@webhooks_app.command("rotate")
def rotate(
    webhook: Id,
    hours: Annotated[
        int, typer.Option("--overlap-hours", min=0, max=720, help="How long the old secret signs too.")
    ] = 24,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Change the secret; prints the new one, once."""
    from evenhand.cli import webhooks

    webhooks.run_rotate(webhook, hours, data=data, database=database, as_json=json)


@webhooks_app.command("resend")
def resend(
    webhook: Id,
    event: Annotated[int | None, typer.Argument(min=1, help="The event's id; all dead letters unless told.")] = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Let an event, or all that were given up, be sent again."""
    from evenhand.cli import webhooks

    webhooks.run_resend(webhook, event, data=data, database=database, as_json=json)


@webhooks_app.command("enable")
def enable(webhook: Id, by: By = None, data: Data = None, database: Database = None, json: Json = False) -> None:
    """Send to it again: everything that waited, and what happened since."""
    from evenhand.cli import webhooks

    webhooks.run_enable(webhook, by, enabled=True, data=data, database=database, as_json=json)


@webhooks_app.command("disable")
def disable(webhook: Id, by: By = None, data: Data = None, database: Database = None, json: Json = False) -> None:
    """Send nothing to it until it is enabled again."""
    from evenhand.cli import webhooks

    webhooks.run_enable(webhook, by, enabled=False, data=data, database=database, as_json=json)


@webhooks_app.command("delete")
def delete(webhook: Id, data: Data = None, database: Database = None) -> None:
    """Forget it, with everything on its way to it."""
    from evenhand.cli import webhooks

    webhooks.run_delete(webhook, data=data, database=database)
