"""Cameras for the tests: certificates made on the spot, and photographs signed with them by the C2PA library itself."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SOURCES = "http://cv.iptc.org/newscodes/digitalsourcetype/"
# Only on this machine, and only to stamp times for the tests, does the library reach anything here.
_BARE: dict[str, Any] = {
    "builder": {"thumbnail": {"enabled": False}, "created_assertion_labels": ["c2pa.actions"]},
    "verify": {"verify_after_sign": False},
}


@dataclass(frozen=True)
class Holder:
    """A key and the certificate that says whose it is."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def pem(self) -> str:
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        return self.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@cache
def authority(name: str) -> Holder:
    """Whoever vouches for cameras, or for clocks."""
    return _holder(name, None, x509.KeyUsage(False, False, False, False, False, True, True, False, False))


def signer(
    name: str,
    by: Holder,
    use: x509.ObjectIdentifier = ExtendedKeyUsageOID.EMAIL_PROTECTION,
    until: datetime | None = None,
) -> Holder:
    """A camera, or a clock, with the certificate of an authority."""
    usage = x509.KeyUsage(True, False, False, False, False, False, False, False, False)
    return _holder(name, by, usage, use, until)


def _holder(
    name: str,
    by: Holder | None,
    usage: x509.KeyUsage,
    use: x509.ObjectIdentifier | None = None,
    until: datetime | None = None,
) -> Holder:
    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
    subject = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, f"{name} Ltd")]
    )
    issuer = by.certificate.subject if by else subject
    built = (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=400))
        .not_valid_after(until or now + timedelta(days=400))
        .add_extension(x509.BasicConstraints(by is None, None), True)
        .add_extension(usage, True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
    )
    if use:
        built = built.add_extension(x509.ExtendedKeyUsage([use]), use == ExtendedKeyUsageOID.TIME_STAMPING)
    if by:
        known = x509.AuthorityKeyIdentifier.from_issuer_public_key(by.key.public_key())
        built = built.add_extension(known, False)
    return Holder(key, built.sign(by.key if by else key, hashes.SHA256()))


def created(source: str | None = "digitalCapture", when: datetime | None = None, **more: Any) -> dict[str, Any]:
    """What a camera says it did."""
    said = {"action": "c2pa.created", **more}
    if source:
        said["digitalSourceType"] = SOURCES + source
    if when:
        said["when"] = when.isoformat()
    return said


def sign(
    data: bytes,
    by: Holder,
    authority: Holder,
    actions: Sequence[dict[str, Any]],
    *,
    media_type: str = "image/jpeg",
    clock: str | None = None,
    ingredient: bytes | None = None,
    gathered: bool = False,
    version: int = 2,
) -> bytes:
    """Sign a picture. `gathered`: the signer passes on what is said and does not answer for it."""
    info = c2pa.C2paSignerInfo(
        c2pa.C2paSigningAlg.ES256,  # pyright: ignore[reportArgumentType]
        (by.pem + authority.pem).encode(),
        by.key_pem.encode(),
        clock.encode() if clock else None,
    )
    settings = {**_BARE, "builder": {"thumbnail": {"enabled": False}}} if gathered else _BARE
    manifest = {
        "claim_version": version,
        "claim_generator_info": [{"name": "Test Camera", "version": "1.2"}],
        "assertions": [{"label": "c2pa.actions", "data": {"actions": list(actions)}}],
    }
    with c2pa.Context.from_dict(settings) as context, c2pa.Builder(manifest, context=context) as builder:
        if ingredient:
            part = {"title": "part", "relationship": "componentOf"}
            builder.add_ingredient(part, "image/jpeg", io.BytesIO(ingredient))
        target = io.BytesIO()
        builder.sign(c2pa.Signer.from_info(info), media_type, io.BytesIO(data), target)
    return target.getvalue()


@dataclass(frozen=True)
class Cameras:
    """A maker of cameras that a marketplace trusts: its file of certificates, and one camera."""

    maker: Holder
    camera: Holder
    anchors: Path

    def take(self, data: bytes, when: datetime, source: str = "digitalCapture", **options: Any) -> bytes:
        """A photograph as the camera writes it."""
        return sign(data, self.camera, self.maker, [created(source, when)], **options)


def cameras(folder: Path, *more: Holder) -> Cameras:
    """Cameras whose maker is trusted, with other authorities in the same file."""
    maker, anchors = authority("Cameras"), folder / "anchors.pem"
    anchors.write_text("".join(one.pem for one in (maker, *more)))
    return Cameras(maker, signer("Camera", maker), anchors)
