"""`evenhand decide`: NDJSON facts in, NDJSON rulings out."""

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO, Final

import msgspec
import typer

from evenhand.cli.lines import numbered, opened
from evenhand.cli.options import chatter, day
from evenhand.errors import BadInput
from evenhand.policy import Policy

_facts: Final = msgspec.json.Decoder(dict[str, Any])
_json: Final = msgspec.json.Encoder(decimal_format="number")
# A line longer than this is no facts object of ours.
MAX_LINE: Final = 1_000_000


def decide(policy_name: str, at: str | None, source: str, target: str) -> None:
    """Rule every line; a line that cannot be ruled is answered by a problem in its place, and the exit code is 2."""
    policy = Policy.load(policy_name, at=day(at, "--at"))
    refused: list[BadInput] = []
    lines = 0
    with ExitStack() as stack:
        reader = opened(source, stack, "IN")
        writer = _writer(target, stack)
        for number, line in numbered(reader, MAX_LINE):
            lines += 1
            try:
                answer: Any = policy.rule(_read(line))
            except BadInput as error:
                error.line = number
                refused.append(error)
                answer = {"type": "/problems/bad-input", "title": "Bad input", "status": 400, "detail": error.detail}
                answer |= {"field": error.field, "line": number}
            writer.write(_json.encode(answer) + b"\n")
        writer.flush()
    if refused:
        chatter.print(
            f"evenhand: {len(refused)} of {lines} lines were refused; the first: {refused[0]}",
            markup=False,
            soft_wrap=True,
        )
        raise typer.Exit(2)


def _read(line: bytes) -> dict[str, Any]:
    if len(line) > MAX_LINE:
        raise BadInput(f"a line may hold {MAX_LINE} bytes, this one is longer")
    try:
        return _facts.decode(line)
    except msgspec.ValidationError as error:
        raise BadInput(f"a line holds one object of facts: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BadInput(f"this is not JSON: {error}") from None
    except RecursionError:
        raise BadInput("this JSON is nested too deeply") from None


def _writer(target: str, stack: ExitStack) -> BinaryIO:
    if target == "-":
        return sys.stdout.buffer
    try:
        return stack.enter_context(Path(target).open("wb"))
    except OSError as error:
        raise BadInput(f"cannot write {target}: {error.strerror}", field="OUT") from None
