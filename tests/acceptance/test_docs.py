"""The documents are true: every `$ evenhand ...` they show is run, and says what they show.

In README, CONTRIBUTING and docs/, a ```console block holds commands (`$ evenhand ...`) and, below each, what it prints on
stdout and stderr (`...` stands for anything); a command without output below it must only succeed. Commands of one document
run in its order, in one directory, with one database of their own. A block like ```ndjson facts.ndjson is first saved under
that name. A comment right above a block changes how it is run:

    <!-- not run: it serves until stopped -->
    <!-- exit code: 2 -->
"""

import doctest
import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]
EVENHAND = Path(sys.executable).with_name("evenhand")
LIMIT_SECONDS = 300

# What stands in the documents for things of the reader's own.
OWN_DATABASE = "postgresql://evenhand@db.example.com/evenhand"
# A folder with the sample of Olist's data that the documents' figures are of; it may not be copied into the project, and without
# it the commands that need it are passed over.
OLIST_FOLDER = "olist/"
OLIST = Path(os.environ.get("EVENHAND_OLIST") or ROOT.parent / "shared" / "data" / "olist")


@dataclass(frozen=True)
class Command:
    """A command of a document, with what it should say."""

    # of its block
    line: int
    text: str
    shown: str
    exit_code: int


@dataclass(frozen=True)
class File:
    """A file the reader is asked to save."""

    name: str
    text: str


def read(document: Path) -> list[Command | File]:
    """What a reader of the document would do, in order."""
    steps: list[Command | File] = []
    remark = ""
    for token in MarkdownIt().parse(document.read_text("utf-8")):
        if token.type == "html_block":
            remark = token.content
        elif token.type == "fence":
            language, _, name = token.info.partition(" ")
            if language == "console" and "not run:" not in remark:
                steps += commands(token, remark)
            elif name:
                steps.append(File(name, token.content))
            remark = ""
        elif token.nesting >= 0:
            remark = ""
    return steps


def commands(block: Token, remark: str) -> list[Command]:
    code = re.search(r"exit code: (\d+)", remark)
    place = block.map[0] + 1 if block.map else 0
    found: list[Command] = []
    lines = block.content.replace("\\\n", "").splitlines()
    starts = [number for number, line in enumerate(lines) if line.startswith("$ ")]
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        text = lines[start].removeprefix("$ ")
        if text.startswith("evenhand"):
            shown = "\n".join(lines[start + 1 : end]).strip()
            found.append(Command(place, text, shown, int(code[1]) if code else 0))
    return found


WITH_COMMANDS = [document for document in DOCUMENTS if any(isinstance(step, Command) for step in read(document))]


@pytest.mark.parametrize("document", WITH_COMMANDS, ids=lambda document: str(document.relative_to(ROOT)))
def test_commands_do_what_the_document_shows(document: Path, tmp_path: Path, fresh_url: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("EVENHAND_")}
    environment |= {"XDG_DATA_HOME": str(tmp_path / "share"), "COLUMNS": "120", "NO_COLOR": "1"}
    for step in read(document):
        if isinstance(step, File):
            (tmp_path / step.name).write_text(step.text, encoding="utf-8")
            continue
        arguments = shlex.split(step.text.replace(OWN_DATABASE, fresh_url), comments=True)[1:]
        if OLIST_FOLDER in arguments:
            if not OLIST.is_dir():
                pytest.skip(f"Olist's data is not in {OLIST}; name its folder with EVENHAND_OLIST")
            arguments[arguments.index(OLIST_FOLDER)] = str(OLIST)
        done = subprocess.run(
            [EVENHAND, *arguments],
            cwd=tmp_path,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=LIMIT_SECONDS,
            check=False,
        )
        place = f"{document.relative_to(ROOT)}:{step.line}: $ {step.text}\n{done.stdout}"
        assert done.returncode == step.exit_code, place
        flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
        if step.shown:
            assert doctest.OutputChecker().check_output(f"{step.shown}\n", done.stdout, flags), place


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda document: str(document.relative_to(ROOT)))
def test_links_lead_somewhere(document: Path) -> None:
    inline = [child for token in MarkdownIt().parse(document.read_text("utf-8")) for child in token.children or ()]
    targets = [str(token.attrs["href"]) for token in inline if token.type == "link_open"]
    targets += [str(token.attrs["src"]) for token in inline if token.type == "image"]
    local = [target.partition("#")[0] for target in targets if "://" not in target]
    missing = [target for target in local if target and not (document.parent / target).exists()]
    assert not missing


def test_the_reader_of_the_tests_is_not_fooled(tmp_path: Path) -> None:
    """The reading itself: what is run, what is not, what is expected."""
    document = tmp_path / "document.md"
    document.write_text(
        "```json a.json\n{}\n```\n"
        "```console\n$ evenhand one \\\n  --more\nsaid\n$ scripts/test\n$ evenhand two\n```\n"
        "<!-- not run: it serves -->\n```console\n$ evenhand serve\n```\n"
        "<!-- exit code: 2 -->\n\n```console\n$ evenhand bad\n```\n"
        "<!-- not run: a remark is for the next block only -->\n\nText.\n\n```console\n$ evenhand three\n```\n",
        encoding="utf-8",
    )
    assert read(document) == [
        File("a.json", "{}\n"),
        Command(4, "evenhand one   --more", "said", 0),
        Command(4, "evenhand two", "", 0),
        Command(17, "evenhand bad", "", 2),
        Command(24, "evenhand three", "", 0),
    ]
