"""Commands and their options; the work is done elsewhere, in modules that are loaded when their command is run."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from evenhand import __version__
from evenhand.cli.abuse_app import abuse_app
from evenhand.cli.account_app import account_app
from evenhand.cli.arguments import Data, Database, Json
from evenhand.cli.bench_app import bench_app
from evenhand.cli.evidence_app import evidence_app
from evenhand.cli.fund_app import fund_app
from evenhand.cli.label_app import label_app
from evenhand.cli.market_app import market_app
from evenhand.cli.merchant_app import merchant_app
from evenhand.cli.policy_app import policy_app
from evenhand.cli.webhooks_app import webhooks_app
from evenhand.errors import EvenhandError

app = typer.Typer(
    help="Evenhand decides refund disputes for marketplaces.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
import_app = typer.Typer(help="Bring outside data in.", no_args_is_help=True)
app.add_typer(policy_app, name="policy")
app.add_typer(market_app, name="market")
app.add_typer(fund_app, name="fund")
app.add_typer(webhooks_app, name="webhooks")
app.add_typer(evidence_app, name="evidence")
app.add_typer(import_app, name="import")
app.add_typer(merchant_app, name="merchant")
app.add_typer(account_app, name="account")
app.add_typer(label_app, name="label")
app.add_typer(abuse_app, name="abuse")
app.add_typer(bench_app, name="bench")

Port = Annotated[
    int, typer.Option("--port", min=0, max=65535, help="Port of the HTTP API and the console; 0 takes a free one.")
]


@app.command()
def demo(
    orders: Annotated[
        int, typer.Option("--orders", min=1, max=2_000_000, help="Synthetic orders, over three markets.")
    ] = 100_000,
    seed: Annotated[
        int, typer.Option("--seed", min=0, max=999_999_999, help="The same seed makes the same marketplace.")
    ] = 1,
    serve: Annotated[bool, typer.Option("--serve/--no-serve", help="Serve the console afterwards.")] = True,
    port: Port = 8470,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """A synthetic marketplace ruled by 1688's, Taobao's and Pinduoduo's policies, then the console to look at it."""
    from evenhand.cli import demo as demo_command

    demo_command.run(orders, seed, serve=serve, port=port, data=data, database=database, as_json=json)


@app.command()
def serve(
    port: Port = 8470,
    host: Annotated[
        str, typer.Option("--host", help="Another address than loopback needs EVENHAND_API_KEY.")
    ] = "127.0.0.1",
    data: Data = None,
    database: Database = None,
) -> None:
    """The HTTP API and the console."""
    from evenhand.cli import serve as serve_command

    serve_command.run(host, port, data=data, database=database)


@app.command()
def decide(
    policy: Annotated[str, typer.Option("--policy", metavar="NAME_OR_FILE", help="A shipped policy, or a document.")],
    source: Annotated[str, typer.Argument(metavar="[IN]", help="NDJSON facts, one object a line; - is stdin.")] = "-",
    target: Annotated[str, typer.Argument(metavar="[OUT]", help="NDJSON rulings; - is stdout.")] = "-",
    at: Annotated[
        str | None, typer.Option("--at", metavar="DATE", help="Rule by the version in force that day (YYYY-MM-DD).")
    ] = None,
) -> None:
    """Rule facts by a policy; no database. Every line is answered in its place, by a ruling or a problem."""
    from evenhand.cli.decide import decide as decide_lines

    decide_lines(policy, at, source, target)


@import_app.command("olist")
def olist(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="The folder with Olist's CSV files.")],
    market: Annotated[
        str, typer.Option("--market", help="The market to import into; made when it is not there.")
    ] = "olist",
    policy: Annotated[
        str,
        typer.Option(
            "--policy",
            metavar="NAME_OR_FILE",
            help="The policy that rules, pinned to one version: NAME, NAME@VERSION or a file.",
        ),
    ] = "1688@2025-03",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Real orders and complaints of the Brazilian marketplace Olist, ruled through the live path."""
    from evenhand.cli.olist import import_olist

    import_olist(directory, market, policy, data=data, database=database, as_json=json)


@app.command()
def doctor(data: Data = None, database: Database = None, json: Json = False) -> None:
    """Check what is stored against what it was made from: every case that has moved, against its events."""
    from evenhand.cli import doctor as doctor_command

    doctor_command.run(data=data, database=database, as_json=json)


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False) -> None:
    if version:
        typer.echo(f"evenhand {__version__}")
        raise typer.Exit


def main() -> None:
    """Run a command; errors meant for people are one line on stderr and exit code 2."""
    try:
        code = app(standalone_mode=False)
    except EvenhandError as error:
        typer.echo(f"evenhand: {error}", err=True)
        code = 2
    except typer.TyperException as error:
        # a wrong command line; a command that has commands answers with its help when none is named
        message = error.format_message()
        typer.echo(message if message.startswith("Usage:") else f"evenhand: {message}", err=True)
        code = 2
    except (KeyboardInterrupt, typer.Abort):
        code = 130
    except BrokenPipeError:
        # whoever read our output has gone; nothing is left to flush to
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        code = 0
    sys.exit(code or 0)
