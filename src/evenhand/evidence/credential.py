"""What a C2PA manifest says about how a photograph came to be, and when that makes it a capture credential. Pure.

A trusted signature says who speaks, not what was said: programs that make pictures up sign them too, and say so. A manifest is a
capture credential where its signer itself says that a camera took the picture (`digitalCapture`; `computationalCapture` where a
phone made it of several shots), nothing was done to it since, and no other picture went into it. That is a short list of what is
allowed and not of what is forbidden: what says anything else is no credential, and that counts for as little as none.

The words are those of the C2PA specification 2.x; the report is the library's own (`Reader.detailed_json`).
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, Literal, cast

import msgspec

Source = Literal["digitalCapture", "computationalCapture"]

_SOURCES: Final[dict[str, Source]] = {
    f"http://cv.iptc.org/newscodes/digitalsourcetype/{name}": name
    for name in cast("tuple[Source, ...]", ("digitalCapture", "computationalCapture"))
}
_CREATED: Final = "c2pa.created"
# Actions that leave what is to be seen as it is: of those that the C2PA conformance programme calls non-editorial, all but
# `c2pa.enhanced`, which may be anything, and `c2pa.redacted`, which takes away what was said.
_HARMLESS: Final = frozenset(
    f"c2pa.{name}"
    for name in (
        "created", "published", "converted", "repackaged", "transcoded", "resized.proportional", "edited.metadata",
        "watermarked", "watermarked.bound", "watermarked.unbound",
    )
)  # fmt: skip
_LONGEST_NAME: Final = 120


class CaptureCredential(msgspec.Struct, frozen=True):
    """What the camera that took a photograph says of it."""

    # whose certificate signed, and what took the photograph, as they call themselves
    signer: str
    camera: str
    # computationalCapture: made by the camera of several shots
    source: Source
    taken_at: datetime
    # whether a trusted authority stamped that time; else it is what the camera's clock said
    time_stamped: bool


class _Action(msgspec.Struct, rename="camel"):
    action: str
    when: Any = None
    digital_source_type: str | None = None


class _Actions(msgspec.Struct):
    actions: list[_Action]


class _Link(msgspec.Struct):
    url: str


class _Claim(msgspec.Struct):
    # what the signer answers for: in claims of version 1 everything, later not what it only gathered
    assertions: list[_Link] = []
    created_assertions: list[_Link] = []
    claim_generator: str = ""
    claim_generator_info: Any = None


class _Signature(msgspec.Struct):
    issuer: str | None = None
    common_name: str | None = None
    time: Any = None


class _Manifest(msgspec.Struct):
    claim: _Claim
    assertion_store: dict[str, msgspec.Raw]
    signature: _Signature


class _Finding(msgspec.Struct):
    code: str


class _Findings(msgspec.Struct):
    success: list[_Finding] = []


class _Results(msgspec.Struct, rename="camel"):
    active_manifest: _Findings = msgspec.field(default_factory=_Findings)


class _Report(msgspec.Struct):
    active_manifest: str
    manifests: dict[str, _Manifest]
    validation_results: _Results = msgspec.field(default_factory=_Results)


_report: Final = msgspec.json.Decoder(_Report)
_actions: Final = msgspec.json.Decoder(_Actions)


def credential_of(report: bytes) -> CaptureCredential | None:
    """The capture credential in the report on a file whose signer is trusted; None where it is anything else."""
    try:
        read = _report.decode(report)
        manifest = read.manifests[read.active_manifest]
        return _credential(manifest, read.validation_results) if len(read.manifests) == 1 else None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError):
        return None


def _credential(manifest: _Manifest, results: _Results) -> CaptureCredential | None:
    claim, store = manifest.claim, manifest.assertion_store
    if any(label.startswith("c2pa.ingredient") for label in store):
        return None
    said = list(_said(store, {*store}))
    answered_for = {link.url.rpartition("/")[2] for link in (*claim.assertions, *claim.created_assertions)}
    created = [action for action in _said(store, answered_for) if action.action == _CREATED]
    if len(created) != 1 or any(
        action.action not in _HARMLESS or (action.digital_source_type or created[0].digital_source_type) not in _SOURCES
        for action in said
    ):
        return None
    source = _SOURCES.get(created[0].digital_source_type or "")
    stamped = any(one.code == "timeStamp.trusted" for one in results.active_manifest.success)
    taken_at = _moment(manifest.signature.time if stamped else created[0].when)
    signer = _name(manifest.signature.issuer or manifest.signature.common_name)
    if source is None or taken_at is None or not signer:
        return None
    return CaptureCredential(signer, _camera(claim), source, taken_at, stamped)


def _said(store: dict[str, msgspec.Raw], labels: set[str]) -> Iterator[_Action]:
    """What those of the assertions that tell actions tell."""
    for label, content in store.items():
        if label.startswith("c2pa.actions") and label in labels:
            yield from _actions.decode(content).actions


def _camera(claim: _Claim) -> str:
    """What made the claim, by name and version."""
    info = claim.claim_generator_info
    first: Any = info[0] if isinstance(info, list) and info else info
    if isinstance(first, dict):
        parts = cast("dict[str, Any]", first)
        return _name(f"{parts.get('name', '')} {parts.get('version') or ''}")
    return _name(claim.claim_generator)


def _name(text: object) -> str:
    """A name on one line, without what cannot be printed."""
    words = "".join(one if one.isprintable() else " " for one in str(text or "")).split()
    return " ".join(words)[:_LONGEST_NAME]


def _moment(value: Any) -> datetime | None:
    """A moment with its zone; anything else is none, also one at the edge of the calendar."""
    try:
        found = msgspec.convert(value, datetime)
        return found.astimezone(UTC) if found.tzinfo is not None else None
    except (msgspec.ValidationError, OverflowError):
        return None
