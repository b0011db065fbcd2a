"""The fund from outside: a server that pays through the sandbox, its report reconciled, statements read back."""

import json
import os
import re
import subprocess
import time
import urllib.request
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from beancount import loader

from .test_docs import EVENHAND


@contextmanager
def running(*command: str, **settings: str) -> Generator[str]:
    """A server at work: its address."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EVENHAND_")} | settings
    process = subprocess.Popen([str(EVENHAND), *command], stderr=subprocess.PIPE, text=True, env=environment)
    assert process.stderr is not None
    try:
        found = None
        while found is None:
            line = process.stderr.readline()
            assert line, "it ended before it was ready"
            found = re.search(r"http://[\d.]+:\d+", line)
        yield found[0]
    finally:
        process.terminate()
        process.wait(30)


def fund(database: str, *command: str, code: int = 0) -> str:
    done = subprocess.run(
        [str(EVENHAND), "fund", *command, "--database", database], capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def send(method: str, url: str, body: Any = None) -> bytes:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)  # noqa: S310
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
        return answer.read()


def states(database: str) -> list[str]:
    return [one["state"] for one in json.loads(fund(database, "payouts", "list", "--json"))["payouts"]]


def test_a_server_pays_what_it_grants_and_the_report_agrees(fresh_url: str, tmp_path: Path) -> None:
    with (
        running("fund", "sandbox", "--port", "0") as gateway,
        running("serve", "--port", "0", "--database", fresh_url, EVENHAND_SANDBOX_URL=gateway) as server,
    ):
        fund(fresh_url, "payouts", "start", "--market", "1688", "--gateway", "sandbox")
        fund(fresh_url, "deposit", "--market", "1688", "--amount", "500.00", "--note", "first", "--by", "finance")
        send("POST", f"{gateway}/faults", {"kind": "error_after"})
        placed = datetime.now(UTC) - timedelta(days=10)
        for number in range(3):
            lines = [{"id": "1", "merchant": "store", "category": "toys", "amount": 9_000}]
            order = {
                "id": f"o{number}",
                "buyer": f"b{number}",
                "placed_at": placed.isoformat(),
                "currency": "CNY",
                "lines": lines,
            }
            send("POST", f"{server}/v1/markets/1688/orders", order | {"delivered_at": placed.isoformat()})
            asked = {
                "id": f"a{number}",
                "order": f"o{number}",
                "line": "1",
                "remedy": "refund_only",
                "stage": "received",
            }
            asked |= {"reason": "quality", "amount": 8_000 + number, "currency": "CNY"}
            ruled = json.loads(send("POST", f"{server}/v1/markets/1688/applications", asked))
            assert ruled["outcome"] == "subsidise"
        deadline = time.monotonic() + 60
        while (found := states(fresh_url)) != ["paid"] * 3 and time.monotonic() < deadline:
            time.sleep(0.5)
        assert found == ["paid"] * 3
        report = tmp_path / "report.csv"
        report.write_bytes(send("GET", f"{gateway}/report.csv"))
    assert "no differences" in fund(fresh_url, "reconcile", "--report", str(report))
    report.write_text(report.read_text().replace("80.01", "81.00"))
    assert "amount differs" in fund(fresh_url, "reconcile", "--report", str(report), code=1)
    books = fund(fresh_url, "statement", "--market", "1688", "--format", "beancount")
    entries, errors, _ = loader.load_string(books)
    assert (errors, len(entries) > 3) == ([], True)
    assert "259.97" in fund(fresh_url, "statement", "--market", "1688", "--format", "csv")


def test_mistakes_on_the_command_line_get_one_line(fresh_url: str, tmp_path: Path) -> None:
    with running("serve", "--port", "0", "--database", fresh_url):
        pass
    for command, said in (
        (("budget", "set", "ten", "--market", "1688"), "AMOUNT: 'ten' is not an amount like 12.50"),
        (("budget", "set", "1.005", "--market", "1688"), "AMOUNT: '1.005' has more decimals than CNY has (2)"),
        (("budget", "set", "1", "--market", "nowhere"), "market: there is no market 'nowhere'"),
        (("budget", "set", "1", "--market", "1688", "--from", "soon"), "--from: 'soon' is not a date"),
        (("deposit", "--market", "1688", "--amount", "0", "--note", "x"), "--amount: must be more than zero"),
        (("withdraw", "--market", "1688", "--amount", "5", "--note", "x"), "holds, 0.00 CNY"),
        (("statement", "--from", "2025-05-01", "--to", "2024-01-01"), "--to: 2024-01-01 lies before --from 2025-05-01"),
        (("recover", "77", "--note", "x"), "case: the fund has granted the buyer of case 77 nothing"),
        (("payouts", "start", "--market", "1688", "--gateway", "paypal"), "gateway: there is no gateway 'paypal'"),
        (("payouts", "list", "--state", "lost"), "state: 'lost' is no state of a payout"),
        (("payouts", "retry", "9"), "payout: there is no payout 9"),
        (("payouts", "settle", "9", "--paid", "1", "--note", "x"), "payout: there is no payout 9"),
        (("statement", "--format", "pdf"), "--format: 'pdf' is no format"),
        (("reconcile", "--report", str(tmp_path / "none.csv")), "cannot be read: No such file"),
        (("reconcile", "--report", "x.csv", "--from", "2026-01-01"), "--market: days are those of a market"),
    ):
        answer = fund(fresh_url, *command, code=2)
        assert said in answer
        assert answer.count("\n") == 1


@pytest.mark.parametrize("url", ["8700", "http://127.0.0.1:port", "http://"])
def test_a_gateway_of_no_use_is_told_before_serving(fresh_url: str, url: str) -> None:
    environment = os.environ | {"EVENHAND_SANDBOX_URL": url}
    command = [str(EVENHAND), "serve", "--port", "0", "--database", fresh_url]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    assert done.returncode == 2
    assert done.stderr.strip().endswith("EVENHAND_SANDBOX_URL: is an address like http://127.0.0.1:8700")
