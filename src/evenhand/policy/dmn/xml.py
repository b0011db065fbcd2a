"""XML read safely, into plain nodes that know their line.

`defusedxml` refuses what makes XML dangerous (document types, and with them entities of any kind); size, depth and number
of elements are bounded here.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final
from xml.sax import SAXParseException
from xml.sax.handler import ContentHandler, feature_namespaces

from defusedxml.common import DefusedXmlException
from defusedxml.sax import make_parser

from evenhand.policy.errors import Fault, PolicyError

MAX_BYTES: Final = 20_000_000
_MAX_DEPTH: Final = 200
_MAX_NODES: Final = 1_000_000


@dataclass(slots=True)
class Node:
    """An element; names are local names, attributes of foreign namespaces are left out."""

    name: str
    namespace: str
    line: int
    attributes: dict[str, str]
    children: list["Node"] = field(default_factory=list["Node"])
    text: str = ""
    # the line on which the text begins
    text_line: int = 0

    def all(self, *names: str) -> Iterator["Node"]:
        return (child for child in self.children if child.name in names)

    def first(self, *names: str) -> "Node | None":
        return next(self.all(*names), None)

    def content(self, name: str) -> str | None:
        """The text of the first child of that name."""
        child = self.first(name)
        return None if child is None else child.text


def read_xml(source: bytes, file: str) -> Node:
    """The root element; raises `PolicyError` naming the line."""
    if len(source) > MAX_BYTES:
        raise PolicyError(file, [Fault(1, 1, f"a DMN file may hold {MAX_BYTES:,} bytes, this one has {len(source):,}")])
    handler = _Handler()
    parser: Any = make_parser()
    parser.forbid_dtd = True
    parser.setFeature(feature_namespaces, True)
    parser.setContentHandler(handler)
    handler.setDocumentLocator(parser)
    try:
        parser.feed(source)
        parser.close()
    except SAXParseException as error:
        place = Fault(
            error.getLineNumber() or 1, (error.getColumnNumber() or 0) + 1, f"this is not XML: {error.getMessage()}"
        )
        raise PolicyError(file, [place]) from error
    except DefusedXmlException as error:
        message = "a document type or an entity is not allowed in DMN (it could read files or grow without end)"
        raise PolicyError(file, [Fault(handler.line, 1, message)]) from error
    except _TooMuch as error:
        raise PolicyError(file, [Fault(handler.line, 1, str(error))]) from error
    except (LookupError, ValueError) as error:  # an encoding that does not exist, or is not kept to
        raise PolicyError(file, [Fault(1, 1, f"this is not XML: {error}")]) from error
    if handler.root is None:
        raise PolicyError(file, [Fault(1, 1, "this is not XML: there is no element")])
    return handler.root


class _TooMuch(Exception):
    pass


class _Handler(ContentHandler):
    def __init__(self) -> None:
        super().__init__()
        self.root: Node | None = None
        self._open: list[Node] = []
        self._count = 0
        self._locator: Any = None

    def setDocumentLocator(self, locator: Any) -> None:  # noqa: N802 (SAX names it)
        self._locator = locator

    @property
    def line(self) -> int:
        return (self._locator.getLineNumber() if self._locator else None) or 1

    def startElementNS(self, name: tuple[str | None, str], qname: str | None, attrs: Any) -> None:  # noqa: N802 (SAX names it)
        self._count += 1
        if len(self._open) >= _MAX_DEPTH or self._count > _MAX_NODES:
            raise _TooMuch(f"at most {_MAX_NODES:,} elements, nested at most {_MAX_DEPTH} deep, are taken")
        attributes = {local: value for (namespace, local), value in attrs.items() if not namespace}
        node = Node(name[1], name[0] or "", self.line, attributes, text_line=self.line)
        if self._open:
            self._open[-1].children.append(node)
        else:
            self.root = node
        self._open.append(node)

    def endElementNS(self, name: tuple[str | None, str], qname: str | None) -> None:  # noqa: N802 (SAX names it)
        self._open.pop()

    def characters(self, content: str) -> None:
        if self._open:
            node = self._open[-1]
            if not node.text:
                node.text_line = self.line
            node.text += content
