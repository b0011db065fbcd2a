"""The commands of `evenhand account` and their options."""

from typing import Annotated

import typer

from evenhand.cli.arguments import By, Data, Database, Json

At = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="DATE",
        help="As of the end of this day in the market's time zone; unless told now, of a synthetic market its last event.",
    ),
]

account_app = typer.Typer(help="Accounts: what is known of them, and how they belong together.", no_args_is_help=True)


@account_app.command("show")
def show(
    account: Annotated[str, typer.Argument(metavar="ID", help="The account, by the marketplace's id.")],
    market: Annotated[str, typer.Option("--market", help="Its market.")],
    kind: Annotated[str, typer.Option("--kind", help="buyer or merchant.")] = "buyer",
    lang: Annotated[str, typer.Option("--lang", help="en or zh.")] = "en",
    at: At = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Everything known of an account: each fact, each score with its points and what would raise it, labels."""
    from evenhand.cli import accounts

    accounts.show(account, market, kind, lang, at, data=data, database=database, as_json=json)


@account_app.command("erase")
def erase(
    account: Annotated[str, typer.Argument(metavar="ID", help="The account, by the marketplace's id.")],
    market: Annotated[str, typer.Option("--market", help="Its market.")],
    kind: Annotated[str, typer.Option("--kind", help="buyer or merchant.")] = "buyer",
    yes: Annotated[bool, typer.Option("--yes", help="It cannot be taken back.")] = False,
    despite: Annotated[
        str,
        typer.Option(
            "--despite", metavar="WHY", help="Why, although a case is open, money on its way, or a label in effect."
        ),
    ] = "",
    by: By = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Erase a person after a privacy request: name, words, files, history and links go; rulings and the ledger stay true."""
    from evenhand.cli import accounts

    accounts.run_erase(
        account, market, kind, yes=yes, despite=despite, by=by, data=data, database=database, as_json=json
    )


@account_app.command("link")
def link(
    first: Annotated[str, typer.Argument(metavar="A", help="A buyer, by the marketplace's id.")],
    second: Annotated[str, typer.Argument(metavar="B", help="Another one.")],
    market: Annotated[str, typer.Option("--market", help="Their market.")],
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Why two buyers are linked: the path through what accounts share, by kind. Exit code 1 when they are not."""
    from evenhand.cli import links

    links.link(first, second, market, data=data, database=database, as_json=json)


@account_app.command("rings")
def rings(
    market: Annotated[str | None, typer.Option("--market", help="One market only.")] = None,
    find: Annotated[bool, typer.Option("--find", help="Look through the market's last 90 days first.")] = False,
    at: At = None,
    judged: Annotated[bool, typer.Option("--all", help="Those with a verdict too.")] = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Groups of buyers who dispute with the same stores more than chance explains: evidence for a person."""
    from evenhand.cli import links

    links.show_rings(market, find=find, at=at, judged=judged, data=data, database=database, as_json=json)


@account_app.command("judge-ring")
def judge_ring(
    number: Annotated[int, typer.Argument(metavar="NO", help="The finding's number.")],
    by: Annotated[str, typer.Option("--by", metavar="NAME", help="Who looked at it.")],
    confirm: Annotated[bool, typer.Option("--confirm", help="They act together.")] = False,
    dismiss: Annotated[bool, typer.Option("--dismiss", help="They do not.")] = False,
    note: Annotated[str | None, typer.Option("--note", metavar="TEXT", help="Why.")] = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """A person's verdict on a ring that was found, given once. It labels nobody."""
    from evenhand.cli import links

    links.judge_ring(number, confirm=confirm, dismiss=dismiss, by=by, note=note, data=data, database=database)
