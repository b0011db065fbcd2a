"""Commands and their options; the work is done elsewhere, in modules that are loaded when their command is run."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from evenhand import __version__
from evenhand.cli.abuse_app import abuse_app
from evenhand.cli.arguments import By, Data, Database, Json
from evenhand.cli.bench_app import bench_app
from evenhand.cli.evidence_app import evidence_app
from evenhand.cli.fund_app import fund_app
from evenhand.cli.label_app import label_app
from evenhand.cli.market_app import market_app
from evenhand.cli.webhooks_app import webhooks_app
from evenhand.errors import EvenhandError

app = typer.Typer(
    help="Evenhand decides refund disputes for marketplaces.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
policy_app = typer.Typer(help="Policy documents.", no_args_is_help=True)
import_app = typer.Typer(help="Bring outside data in.", no_args_is_help=True)
merchant_app = typer.Typer(help="What merchants have set for their own shops.", no_args_is_help=True)
rules_app = typer.Typer(help="A merchant's own rules.", no_args_is_help=True)
account_app = typer.Typer(help="Accounts: what is known of them, and how they belong together.", no_args_is_help=True)
app.add_typer(policy_app, name="policy")
app.add_typer(market_app, name="market")
app.add_typer(fund_app, name="fund")
app.add_typer(webhooks_app, name="webhooks")
app.add_typer(evidence_app, name="evidence")
app.add_typer(import_app, name="import")
app.add_typer(merchant_app, name="merchant")
merchant_app.add_typer(rules_app, name="rules")
app.add_typer(account_app, name="account")
app.add_typer(label_app, name="label")
app.add_typer(abuse_app, name="abuse")
app.add_typer(bench_app, name="bench")

InMarket = Annotated[str, typer.Option("--market", help="The merchant's market.")]
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


@policy_app.command("list")
def policy_list(
    market: Annotated[str | None, typer.Option("--market", help="What was published for this market, instead.")] = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """The shipped policies and their versions; or what rules a market, from when to when."""
    if market is not None:
        from evenhand.cli.publishing import show_published

        show_published(market, data=data, database=database, as_json=json)
        return
    from evenhand.cli import policies as policy_command

    policy_command.show_list(as_json=json)


@policy_app.command("show")
def policy_show(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="NAME, NAME@VERSION or a file.")],
    target: Annotated[str, typer.Argument(metavar="[OUT]", help="A file to write; - is stdout.")] = "-",
    at: Annotated[str | None, typer.Option("--at", metavar="DATE", help="The version in force that day.")] = None,
    source: Annotated[bool, typer.Option("--source", help="The Python it compiles to.")] = False,
    html: Annotated[bool, typer.Option("--html", help="A page to publish: one HTML file, in both languages.")] = False,
) -> None:
    """A policy document as it is written, as a page, or as the program it is."""
    from evenhand.cli import policies as policy_command

    policy_command.show(policy, at, target, python=source, html=html)


@policy_app.command("check")
def policy_check(
    policies: Annotated[list[str], typer.Argument(metavar="POLICY...", help="NAME, NAME@VERSION or files.")],
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="Time limit for each policy.")] = 30.0,
    json: Json = False,
) -> None:
    """Look for gaps, contradictions and idle rows, run the examples, prove the promises; exit code 1 when something is wrong."""
    from evenhand.cli import checking

    checking.run_check(policies, seconds, as_json=json)


@policy_app.command("diff")
def policy_diff(
    before: Annotated[str, typer.Argument(metavar="BEFORE", help="NAME, NAME@VERSION or a file.")],
    after: Annotated[str, typer.Argument(metavar="AFTER", help="NAME, NAME@VERSION or a file.")],
    history: Annotated[
        str | None, typer.Option("--history", metavar="FILE", help="NDJSON facts: count what changes over them.")
    ] = None,
    reasons: Annotated[bool, typer.Option("--reasons", help="Another reason code is a difference too.")] = False,
    seconds: Annotated[float, typer.Option("--seconds", min=0.1, help="Time limit.")] = 30.0,
    json: Json = False,
) -> None:
    """What is ruled differently, in regions with examples; exit code 0 proves that nothing is, 1 says that something is."""
    from evenhand.cli import checking

    checking.run_diff(before, after, history, seconds, reasons=reasons, as_json=json)


@policy_app.command("recourse")
def policy_recourse(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="NAME, NAME@VERSION or a file.")],
    facts: Annotated[str, typer.Argument(metavar="FACTS", help="A file with one JSON object of facts; - is stdin.")],
    changeable: Annotated[
        list[str] | None,
        typer.Option(
            "--changeable", metavar="FACT", help="A fact that may differ; again for more. A buyer's own unless told."
        ),
    ] = None,
    json: Json = False,
) -> None:
    """What would have to be different for a ruling that is better for the buyer; exit code 1 when nothing helps."""
    from evenhand.cli import checking

    checking.run_recourse(policy, facts, changeable or [], as_json=json)


@policy_app.command("exploits")
def policy_exploits(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="NAME, NAME@VERSION or a file.")],
    share: Annotated[str, typer.Option("--share", help="The part of applications that learn to lie.")] = "1%",
    applications: Annotated[int, typer.Option("--applications", min=1, help="Applications in all.")] = 100_000,
    average: Annotated[str, typer.Option("--average", metavar="AMOUNT", help="What one asks on average.")] = "100.00",
    json: Json = False,
) -> None:
    """The cheapest lies that win a refund without a return, and what they cost; exit code 1 when there is one."""
    from evenhand.cli import checking

    checking.run_exploits(policy, share, applications, average, as_json=json)


@policy_app.command("export")
def policy_export(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="NAME, NAME@VERSION or a file.")],
    dmn: Annotated[str, typer.Option("--dmn", metavar="OUT", help="The DMN file to write; - is stdout.")],
    at: Annotated[str | None, typer.Option("--at", metavar="DATE", help="The version in force that day.")] = None,
) -> None:
    """A policy as DMN, for Camunda, Drools, Trisotech and the like."""
    from evenhand.cli import exchange

    exchange.run_export(policy, at, dmn)


@policy_app.command("import")
def policy_import(
    source: Annotated[str, typer.Argument(metavar="FILE.dmn", help="A DMN file, of version 1.1 to 1.5.")],
    target: Annotated[str, typer.Argument(metavar="[OUT]", help="The policy document to write; - is stdout.")] = "-",
    effective: Annotated[
        str | None,
        typer.Option(
            "--effective", metavar="DATE", help="Its first day, where the file names none; today unless told."
        ),
    ] = None,
) -> None:
    """A DMN file as a policy document; what such a document cannot say is refused by name."""
    from evenhand.cli import exchange

    exchange.run_import(source, target, effective)


@policy_app.command("publish")
def policy_publish(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="NAME, NAME@VERSION or a file.")],
    market: Annotated[str, typer.Option("--market", help="The market it is to rule.")],
    effective: Annotated[
        str | None,
        typer.Option("--effective", metavar="DATE", help="First day it rules; the document's own unless told."),
    ] = None,
    by: By = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Let a version rule a market from a day on, in the market's time zone; it never changes after."""
    from evenhand.cli.publishing import run_publish

    run_publish(policy, market, effective, by, data=data, database=database, as_json=json)


@policy_app.command("rescore")
def policy_rescore(
    card: Annotated[str, typer.Argument(metavar="CARD", help="The scorecard's file.")],
    market: Annotated[str, typer.Option("--market", help="The market whose rulings are scored again.")],
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """What a scorecard would have made of a market's rulings: the scores it moves, and the outcomes. Exit code 1 if any."""
    from evenhand.cli.rescore import run

    run(card, market, data=data, database=database, as_json=json)


@policy_app.command("withdraw")
def policy_withdraw(
    policy: Annotated[str, typer.Argument(metavar="POLICY", help="NAME, NAME@VERSION or a file.")],
    market: Annotated[str, typer.Option("--market", help="The market it was to rule.")],
    by: By = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Take back a published version that has not taken effect."""
    from evenhand.cli.publishing import run_withdraw

    run_withdraw(policy, market, by, data=data, database=database, as_json=json)


@rules_app.command("set")
def rules_set(
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
def rules_list(
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
def rules_end(
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


@account_app.command("show")
def account_show(
    account: Annotated[str, typer.Argument(metavar="ID", help="The account, by the marketplace's id.")],
    market: Annotated[str, typer.Option("--market", help="Its market.")],
    kind: Annotated[str, typer.Option("--kind", help="buyer or merchant.")] = "buyer",
    lang: Annotated[str, typer.Option("--lang", help="en or zh.")] = "en",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Everything known of an account: each fact, each score with its points and what would raise it, labels."""
    from evenhand.cli import accounts

    accounts.show(account, market, kind, lang, data=data, database=database, as_json=json)


@account_app.command("erase")
def account_erase(
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
def account_link(
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
def account_rings(
    market: Annotated[str | None, typer.Option("--market", help="One market only.")] = None,
    find: Annotated[bool, typer.Option("--find", help="Look through the market's last 90 days first.")] = False,
    judged: Annotated[bool, typer.Option("--all", help="Those with a verdict too.")] = False,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Groups of buyers who dispute with the same stores more than chance explains: evidence for a person."""
    from evenhand.cli import links

    links.show_rings(market, find=find, judged=judged, data=data, database=database, as_json=json)


@account_app.command("judge-ring")
def account_judge_ring(
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
