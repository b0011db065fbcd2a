"""`evenhand policy export | import`: policies to DMN and back."""

from datetime import datetime
from pathlib import Path

from evenhand.cli.options import chatter, day
from evenhand.errors import BadInput
from evenhand.policy import Policy, dmn
from evenhand.policy.dmn.export import export
from evenhand.policy.dmn.imported import to_markdown


def run_export(name: str, at: str | None, target: str) -> None:
    policy = Policy.load(name, at=day(at, "--at"))
    _write(target, export(policy), "--dmn", f"{policy.name}@{policy.version}")


def run_import(source: str, target: str, effective: str | None) -> None:
    first_day = day(effective, "--effective") or datetime.now().astimezone().date()
    model = dmn.load(source)
    _write(target, to_markdown(model, first_day), "OUT", source)


def _write(target: str, text: str, option: str, what: str) -> None:
    if target == "-":
        print(text, end="")  # noqa: T201
        return
    try:
        Path(target).write_text(text, encoding="utf-8")
    except OSError as error:
        raise BadInput(f"cannot write {target}: {error.strerror}", field=option) from None
    chatter.print(f"{what} is in {target}", markup=False, soft_wrap=True)
