"""A DMN file, ready to evaluate any of its decisions."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, Final, NoReturn

from evenhand.errors import BadInput, UnknownThing
from evenhand.policy.dmn.compile import Compiler
from evenhand.policy.dmn.elements import Decision, DecisionService, Definitions, Element, Import, InputData
from evenhand.policy.dmn.evaluation import Evaluation
from evenhand.policy.dmn.feel.lexer import normal
from evenhand.policy.dmn.feel.values import Value
from evenhand.policy.dmn.item_types import TypeTable
from evenhand.policy.dmn.reader import read_definitions
from evenhand.policy.dmn.words import members
from evenhand.policy.dmn.xml import MAX_BYTES, read_xml
from evenhand.policy.errors import Fault, PolicyError, suggestion

_MAX_IMPORTS: Final = 50
# files that are looked through for a namespace
_MOST_FILES: Final = 200


def load(path: str | Path) -> "Model":
    """Read a DMN file (1.1 to 1.5), and the files it imports from beside it.

    Raises `UnknownThing` when there is no such file and `PolicyError` (file, line, what was expected) when it is not DMN.
    """
    return _load(Path(path), ())


def loads(source: bytes | str, file: str = "model.dmn") -> "Model":
    """Read DMN from memory; such a model cannot import."""
    data = source.encode() if isinstance(source, str) else source
    return Model(read_definitions(data, file), {})


def _load(path: Path, within: tuple[Path, ...]) -> "Model":
    try:
        source = path.read_bytes()
    except FileNotFoundError as error:
        raise UnknownThing(f"there is no file {path}", field="path") from error
    except (OSError, ValueError) as error:
        raise BadInput(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}", field="path") from error
    definitions = read_definitions(source, str(path))
    imported = {
        each.name: _imported(each, definitions, path, (*within, path.resolve())) for each in definitions.imports
    }
    return Model(definitions, imported)


def _imported(each: Import, definitions: Definitions, path: Path, within: tuple[Path, ...]) -> "Model":
    def fail(message: str) -> NoReturn:
        raise PolicyError(definitions.file, [Fault(each.line, 1, f"import {each.name or each.namespace!r}: {message}")])

    if not each.location:
        found = _beside(path, each.namespace)
        if found is None:
            fail(f"no locationURI says where the file is, and none beside it has the namespace {each.namespace!r}")
        return _load(found, within)
    target = Path(each.location)
    if "://" in each.location or target.is_absolute() or ".." in target.parts:
        fail(f"{each.location!r} is refused: only files beside the importing one are read")
    target = path.parent / target
    if target.resolve() in within:
        fail(f"{each.location!r} imports the file that imports it")
    if len(within) > _MAX_IMPORTS:
        fail("imports are nested too deeply")
    try:
        model = _load(target, within)
    except UnknownThing:
        fail(f"there is no file {each.location!r} beside it")
    if model.definitions.namespace != each.namespace:
        fail(f"{each.location!r} has the namespace {model.definitions.namespace!r}, not {each.namespace!r}")
    return model


def _beside(path: Path, namespace: str) -> Path | None:
    """The DMN file beside one whose namespace it is, as files without locations are found."""
    for candidate in sorted(path.parent.glob("*.dmn"))[:_MOST_FILES]:
        if candidate.resolve() == path.resolve() or candidate.stat().st_size > MAX_BYTES:
            continue
        source = candidate.read_bytes()
        if namespace.encode() in source:
            try:
                if read_xml(source, str(candidate)).attributes.get("namespace") == namespace:
                    return candidate
            except PolicyError:
                continue  # a broken file beside it is not the one that is meant
    return None


class Model:
    """The decisions of one file."""

    def __init__(self, definitions: Definitions, imported: Mapping[str, "Model"]) -> None:
        self.definitions = definitions
        self.imported = dict(imported)
        self.types = TypeTable(definitions, {name: model.types for name, model in imported.items()})
        self.type_names = self.types.names
        self.compiler = Compiler(definitions.file, self.types)
        self.members: set[str] = members(definitions).union(*(model.members for model in imported.values()))
        # what was compiled, by element and the names that inputs bring into scope
        self.compiled: dict[tuple[str, frozenset[str], frozenset[str]], Any] = {}
        self._check()

    @property
    def decisions(self) -> list[str]:
        """Names of the decisions, in the order of the file."""
        return [element.name for element in self.definitions.elements.values() if isinstance(element, Decision)]

    @property
    def inputs(self) -> list[str]:
        """Names of the input data, in the order of the file."""
        return [element.name for element in self.definitions.elements.values() if isinstance(element, InputData)]

    def evaluate(self, decision_name: str, inputs: Mapping[str, Any], *, now: datetime | None = None) -> Value:
        """The value of a decision (or a decision service), by its name or id.

        `inputs` maps names of input data to values (`inputs.take` says which); a decision named there is not evaluated
        but has the value given. `now` answers FEEL's `now()` and `today()`, which are refused without it.

        Raises `UnknownThing` for an unknown decision, `BadInput` naming an input that is missing or of the wrong type,
        and `PolicyError` when the file itself is at fault: a syntax error, an unknown name, overlapping rules of a UNIQUE
        table, something this evaluator refuses, or work without end.
        """
        return Evaluation(self, inputs, now).of(self._named(decision_name))

    def _named(self, name: str) -> Element:
        wanted = normal(name)
        for kind in (Decision, DecisionService):
            for element in self.definitions.elements.values():
                if isinstance(element, kind) and wanted in (element.name, element.variable):
                    return element
        element = self.definitions.elements.get(name)
        if isinstance(element, Decision | DecisionService):
            return element
        known = [
            element.name
            for element in self.definitions.elements.values()
            if isinstance(element, Decision | DecisionService)
        ]
        hint = suggestion(wanted, known) or (f"; it holds {', '.join(known[:10])}" if known else "")
        raise UnknownThing(f"there is no decision {name!r} in {self.definitions.file}{hint}", field="decision_name")

    def target(self, href: str) -> tuple["Model", Element]:
        """The element that an href means, and the model it belongs to."""
        namespace, _, identifier = href.rpartition("#")
        if namespace not in ("", self.definitions.namespace):
            for model in self.imported.values():
                if model.definitions.namespace == namespace and identifier in model.definitions.elements:
                    return model, model.definitions.elements[identifier]
        if identifier not in self.definitions.elements:
            message = f"{href!r} is required, and neither the file nor its imports hold it"
            raise PolicyError(self.definitions.file, [Fault(1, 1, message)])
        return self, self.definitions.elements[identifier]

    def called(self, owner: "Model", element: Element) -> Iterator[str]:
        """The names by which expressions of this file know an element."""
        prefix = next((f"{name}." for name, model in self.imported.items() if model is owner and name), "")
        yield prefix + element.variable
        yield prefix + element.name
        yield prefix + element.id

    def _check(self) -> None:
        """No decision requires itself, by way of others."""
        done: set[str] = set()
        for start in self.definitions.elements.values():
            path: list[Element] = []
            waiting: list[tuple[Element, Iterator[str]]] = [(start, iter(_decided_by(start)))]
            while waiting:
                element, rest = waiting[-1]
                if len(path) < len(waiting):
                    path.append(element)
                href = next(rest, None)
                if href is None:
                    done.add(element.id)
                    waiting.pop()
                    path.pop()
                    continue
                owner, required = self.target(href)
                if owner is not self or required.id in done:
                    continue
                if required in path:
                    circle = " -> ".join(each.name for each in [*path[path.index(required) :], required])
                    raise PolicyError(
                        self.definitions.file, [Fault(required.line, 1, f"decisions require one another: {circle}")]
                    )
                waiting.append((required, iter(_decided_by(required))))


def _decided_by(element: Element) -> list[str]:
    return element.information if isinstance(element, Decision) else []
