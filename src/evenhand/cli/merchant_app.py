"""The commands of `evenhand merchant` and their options."""

from typing import Annotated

import typer

from evenhand.cli.arguments import Data, Database, Json

merchant_app = typer.Typer(help="What merchants have set for their own shops.", no_args_is_help=True)
rules_app = typer.Typer(help="A merchant's own rules.", no_args_is_help=True)
merchant_app.add_typer(rules_app, name="rules")

InMarket = Annotated[str, typer.Option("--market", help="The merchant's market.")]


@rules_app.command("set")
def set_(
    market: InMarket,
    source: Annotated[str, typer.Argument(metavar="[FILE]", help="NDJSON, one rule a line; - is stdin.")] = "-",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Set rules of merchants; the same rule again is fine."""
    from evenhand.cli import merchants

    merchants.run_set(source, market, data=data, database=database, as_json=json)


@rules_app.command("list")
def list_(
    merchant: Annotated[str, typer.Argument(metavar="MERCHANT", help="The merchant's id.")],
    market: InMarket,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """A merchant's rules, with those that have ended."""
    from evenhand.cli import merchants

    merchants.show(market, merchant, data=data, database=database, as_json=json)


@rules_app.command("end")
def end(
    merchant: Annotated[str, typer.Argument(metavar="MERCHANT", help="The merchant's id.")],
    rule: Annotated[str, typer.Argument(metavar="RULE", help="The rule's id.")],
    market: InMarket,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """End a rule now; it goes on to decide about orders placed before, where the policy says so."""
    from evenhand.cli import merchants

    merchants.run_end(market, merchant, rule, data=data, database=database, as_json=json)
