"""The commands of `evenhand fund` and their options."""

from pathlib import Path
from typing import Annotated

import typer

from evenhand.cli.arguments import By, Data, Database, Json

fund_app = typer.Typer(help="The subsidy fund: ledger, budgets, payouts.", no_args_is_help=True)
budget_app = typer.Typer(help="What a fund may grant per period.", no_args_is_help=True)
payouts_app = typer.Typer(help="Money on its way to buyers.", no_args_is_help=True)
fund_app.add_typer(budget_app, name="budget")
fund_app.add_typer(payouts_app, name="payouts")

OneMarket = Annotated[str, typer.Option("--market", help="The market whose fund is meant.")]
AnyMarket = Annotated[str | None, typer.Option("--market", help="Only this market.")]
Note = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, as the ledger will say.")]
Amount = Annotated[str, typer.Option("--amount", help="In the market's currency, such as 12.50.")]
Case = Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="The case's number.")]
From = Annotated[str | None, typer.Option("--from", metavar="DATE", help="First day.")]
To = Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day, included.")]


@fund_app.command("statement")
def statement(
    market: AnyMarket = None,
    since: From = None,
    until: To = None,
    form: Annotated[str, typer.Option("--format", help="table, csv or beancount.")] = "table",
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """What the fund stood at, what moved by cause, what it stands at."""
    from evenhand.cli import fund

    fund.statement(market, since, until, form, data=data, database=database, as_json=json)


@fund_app.command("deposit")
def deposit(
    market: OneMarket,
    amount: Amount,
    note: Note,
    by: By = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Record that money was paid into the fund."""
    from evenhand.cli import fund

    fund.run_deposit(market, amount, note, by, out=False, data=data, database=database, as_json=json)


@fund_app.command("withdraw")
def withdraw(
    market: OneMarket,
    amount: Amount,
    note: Note,
    by: By = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Record that money was taken out of the fund."""
    from evenhand.cli import fund

    fund.run_deposit(market, amount, note, by, out=True, data=data, database=database, as_json=json)


@fund_app.command("recover")
def recover(
    case: Case,
    note: Note,
    amount: Annotated[
        str | None, typer.Option("--amount", help="Part of it; all that is left of it unless told.")
    ] = None,
    by: By = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Take back what the fund granted the buyer of a case, once fraud is proven."""
    from evenhand.cli import fund

    fund.run_recover(case, amount, note, by, data=data, database=database, as_json=json)


@fund_app.command("repaid")
def repaid(
    case: Case, note: Note, by: By = None, data: Data = None, database: Database = None, json: Json = False
) -> None:
    """Record that the buyer of a case has paid back what was recovered."""
    from evenhand.cli import fund

    fund.run_repaid(case, note, by, data=data, database=database, as_json=json)


@fund_app.command("reconcile")
def reconcile(
    report: Annotated[Path, typer.Option("--report", metavar="FILE", help="The gateway's report: CSV or NDJSON.")],
    gateway: Annotated[str, typer.Option("--gateway", help="Whose report it is.")] = "sandbox",
    market: AnyMarket = None,
    since: From = None,
    until: To = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Compare payouts with a gateway's report; exit code 1 when they differ."""
    from evenhand.cli import fund_payouts

    fund_payouts.run_reconcile(report, gateway, market, since, until, data=data, database=database, as_json=json)


@fund_app.command("payment")
def payment(
    market: OneMarket,
    order: Annotated[str, typer.Option("--order", help="The order's id.")],
    reference: Annotated[str, typer.Option("--reference", help="By what the gateway knows its payment: pi_...")],
    data: Data = None,
    database: Database = None,
) -> None:
    """Say by what the gateway knows the payment of an order, so that money can go back to where it came from."""
    from evenhand.cli import fund_payouts

    fund_payouts.run_payment(market, order, reference, data=data, database=database)


@fund_app.command("debts")
def debts(market: AnyMarket = None, data: Data = None, database: Database = None, json: Json = False) -> None:
    """What buyers owe: taken back after it was sent, and neither paid back nor set off yet."""
    from evenhand.cli import fund

    fund.run_debts(market, data=data, database=database, as_json=json)


@fund_app.command("sandbox")
def sandbox(
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")] = 8700,
    host: Annotated[str, typer.Option("--host", help="Address to listen on.")] = "127.0.0.1",
    notify: Annotated[
        str | None,
        typer.Option(
            "--notify", metavar="URL", help="Tell of payments there, signed by EVENHAND_SANDBOX_WEBHOOK_SECRET."
        ),
    ] = None,
) -> None:
    """Run a payment gateway that pays nobody, and fails on demand."""
    from evenhand.cli import fund_payouts

    fund_payouts.run_sandbox(host, port, notify)


@budget_app.command("set")
def budget_set(
    market: OneMarket,
    amount: Annotated[
        str | None, typer.Argument(help="In the market's currency, such as 50000.00; none lifts the limit.")
    ] = None,
    period: Annotated[str, typer.Option("--period", help="month, quarter or custom.")] = "month",
    since: Annotated[
        str | None,
        typer.Option("--from", metavar="DATE", help="From the period with this day on; today's unless told."),
    ] = None,
    until: Annotated[str | None, typer.Option("--to", metavar="DATE", help="Last day of a custom budget.")] = None,
    alert: Annotated[int, typer.Option("--alert", metavar="PERCENT", help="Tell when so much of it is granted.")] = 80,
    by: By = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Set what a fund may grant per period, in the market's time zone."""
    from evenhand.cli import fund_budgets

    fund_budgets.run_set(market, amount, period, since, until, alert, by, data=data, database=database, as_json=json)


@budget_app.command("list")
def budget_list(market: AnyMarket = None, data: Data = None, database: Database = None, json: Json = False) -> None:
    """The budgets that count today, with what is granted and left."""
    from evenhand.cli import fund_budgets

    fund_budgets.run_list(market, data=data, database=database, as_json=json)


@payouts_app.command("start")
def payouts_start(
    market: OneMarket,
    gateway: Annotated[str, typer.Option("--gateway", help="sandbox or stripe.")],
    since: Annotated[
        str | None, typer.Option("--since", metavar="DATE", help="Also pay what was granted since this day.")
    ] = None,
    by: By = None,
    data: Data = None,
    database: Database = None,
) -> None:
    """Pay what a fund grants buyers through a gateway, from now on."""
    from evenhand.cli import fund_payouts

    fund_payouts.run_start(market, gateway, since, by, data=data, database=database)


@payouts_app.command("stop")
def payouts_stop(market: OneMarket, data: Data = None, database: Database = None) -> None:
    """Make no more payouts for a market; those there are go on."""
    from evenhand.cli import fund_payouts

    fund_payouts.run_stop(market, data=data, database=database)


@payouts_app.command("list")
def payouts_list(
    market: AnyMarket = None,
    state: Annotated[
        str | None,
        typer.Option("--state", help="due, sending, pending, paid, failed, cancelled or differs."),
    ] = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Payouts, the newest first."""
    from evenhand.cli import fund_payouts

    fund_payouts.run_list(market, state, data=data, database=database, as_json=json)


@payouts_app.command("settle")
def payouts_settle(
    payout: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="Its number.")],
    paid: Annotated[str, typer.Option("--paid", help="What the gateway really paid, such as 79.99; 0 for nothing.")],
    note: Note,
    against_gateway: Annotated[
        bool, typer.Option("--against-gateway", help="Another amount than the gateway said is meant.")
    ] = False,
    by: By = None,
    data: Data = None,
    database: Database = None,
    json: Json = False,
) -> None:
    """Book what the gateway really paid for a payout that differs; what is missing is sent, what is too much is owed."""
    from evenhand.cli import fund_payouts

    fund_payouts.run_settle(payout, paid, note, by, against_gateway, data=data, database=database, as_json=json)


@payouts_app.command("retry")
def payouts_retry(
    payout: Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="Its number.")],
    data: Data = None,
    database: Database = None,
) -> None:
    """Send a payout that was refused again, once what was wrong is mended."""
    from evenhand.cli import fund_payouts

    fund_payouts.run_retry(payout, data=data, database=database)
