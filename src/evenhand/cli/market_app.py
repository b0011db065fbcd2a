"""The commands of `evenhand market` and their options."""

from typing import Annotated

import typer

from evenhand.cli.arguments import By, Data, Database, Json

market_app = typer.Typer(help="Markets: platforms or country sites.", no_args_is_help=True)


@market_app.command("add")
def add(
    market: Annotated[str, typer.Argument(metavar="ID", help="Small letters, digits, - and _.")],
    policy: Annotated[str, typer.Option("--policy", metavar="NAME", help="The policy it follows, by its dates.")],
    currency: Annotated[str, typer.Option("--currency", help="ISO 4217: CNY.")],
    time_zone: Annotated[str, typer.Option("--time-zone", help="Whose days count: Asia/Shanghai.")],
    name: Annotated[str | None, typer.Option("--name", help="For people; the id unless told.")] = None,
    pinned: Annotated[
        str | None, typer.Option("--pinned", metavar="VERSION", help="One version that rules whatever the date.")
    ] = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Open a market; the same again is fine."""
    from evenhand.cli import markets

    markets.run_add(
        {"id": market, "name": name or market, "policy": policy, "currency": currency, "time_zone": time_zone}
        | ({"pinned": pinned} if pinned else {}),
        data=data,
        database=database,
        as_json=json,
    )


@market_app.command("list")
def listed(data: Data = None, database: Database = None, json: Json = False) -> None:
    """Every market, and the policy version that rules it today."""
    from evenhand.cli import markets

    markets.show(data=data, database=database, as_json=json)


@market_app.command("capacity")
def capacity(
    market: Annotated[str, typer.Argument(metavar="ID", help="The market.")],
    per_day: Annotated[
        int | None,
        typer.Option(
            "--per-day", metavar="N", help="So many claims a day, in the market's time zone; 0 gives persons none."
        ),
    ] = None,
    no_limit: Annotated[bool, typer.Option("--no-limit", help="Every such claim goes to a person.")] = False,
    by: By = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """How many claims a day persons can look at because the learned abuse score is uncertain of them; tells it, or sets it."""
    from evenhand.cli import capacity as command

    command.run(market, per_day, no_limit=no_limit, by=by, data=data, database=database, as_json=json)
