"""A camera's word counts where a trusted camera says that it took the picture, and nothing else does."""

import io
import random
import subprocess
import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import c2pa
import pytest
from cryptography.x509.oid import ExtendedKeyUsageOID
from PIL import Image

from evenhand.errors import BadInput
from evenhand.evidence import capture
from evenhand.evidence.capture import ANCHORS_VARIABLE, CaptureReader, open_reader
from evenhand.evidence.credential import CaptureCredential, credential_of

from .cameras import Cameras, authority, cameras, created, sign, signer
from .pictures import noise, photo, saved

WHEN = datetime(2026, 2, 20, 9, 30, tzinfo=UTC)
PLAIN = saved(photo("coffee.png"))


@pytest.fixture
def shop(tmp_path: Path) -> Cameras:
    return cameras(tmp_path)


def read(shop: Cameras, data: bytes) -> CaptureCredential | None:
    return CaptureReader(shop.anchors).read(data, "jpeg")


@pytest.mark.parametrize("source", ["digitalCapture", "computationalCapture"])
def test_a_photograph_signed_by_a_trusted_camera_tells_camera_and_time(shop: Cameras, source: Any) -> None:
    expected = CaptureCredential("Camera Ltd", "Test Camera 1.2", source, WHEN, False)
    assert read(shop, shop.take(PLAIN, WHEN, source)) == expected
    assert read(shop, shop.take(PLAIN, WHEN, source, version=1)) == expected


@pytest.mark.parametrize(("kind", "media_type", "form"), [("png", "image/png", "PNG"), ("webp", "image/webp", "WEBP")])
def test_other_kinds_of_images_are_read_too(shop: Cameras, kind: Any, media_type: str, form: str) -> None:
    data = shop.take(saved(noise(3), form), WHEN, media_type=media_type)
    assert CaptureReader(shop.anchors).read(data, kind)


def everything_else(shop: Cameras) -> dict[str, bytes]:
    """Pictures that carry no capture credential, by why they do not."""
    signed = shop.take(PLAIN, WHEN)
    tampered = bytearray(signed)
    tampered[-5_000] ^= 1
    with Image.open(io.BytesIO(signed)) as opened:
        cropped = saved(opened.crop((10, 10, opened.width - 10, opened.height)))
    stranger = authority("Stranger")

    def acted(*actions: dict[str, Any], **options: Any) -> bytes:
        return sign(PLAIN, shop.camera, shop.maker, actions, **options)

    return {
        "none": PLAIN,
        "tampered pixels": bytes(tampered),
        "cropped and saved again": cropped,
        "cut off": signed[: len(signed) // 2],
        "another picture behind the manifest": signed[:8_000] + saved(photo("rocket.jpg"))[2:],
        "signer of an unknown authority": sign(PLAIN, signer("Other", stranger), stranger, [created(when=WHEN)]),
        "made by a model": shop.take(PLAIN, WHEN, "trainedAlgorithmicMedia"),
        "composed with what a model made": shop.take(PLAIN, WHEN, "compositeWithTrainedAlgorithmicMedia"),
        "composed of pictures": shop.take(PLAIN, WHEN, "compositeCapture"),
        "a screen recorded": shop.take(PLAIN, WHEN, "screenCapture"),
        "no source told": acted(created(None, WHEN)),
        "no time told": acted(created()),
        "a time without zone": acted(created(when=WHEN.replace(tzinfo=None))),
        "edited after": acted(created(when=WHEN), {"action": "c2pa.edited"}),
        "enhanced after": acted(created(when=WHEN), {"action": "c2pa.enhanced"}),
        "something unheard of after": acted(created(when=WHEN), {"action": "org.example.polished"}),
        "filled in by a model after": acted(
            created(when=WHEN),
            {"action": "c2pa.placed", "digitalSourceType": shop_source("trainedAlgorithmicMedia")},
        ),
        "published by a model": acted(
            created(when=WHEN),
            {"action": "c2pa.published", "digitalSourceType": shop_source("trainedAlgorithmicMedia")},
        ),
        "taken twice": acted(created(when=WHEN), created(when=WHEN)),
        "with another picture in it": shop.take(PLAIN, WHEN, ingredient=saved(noise(1))),
        "the camera only passes on what it was told": shop.take(PLAIN, WHEN, gathered=True),
    }  # fmt: skip


def shop_source(name: str) -> str:
    return created(name)["digitalSourceType"]


def test_anything_else_is_no_credential(shop: Cameras) -> None:
    found = {why: read(shop, data) for why, data in everything_else(shop).items()}
    assert found == dict.fromkeys(found)


def test_what_is_said_beside_and_leaves_the_picture_as_it_is_does_no_harm(shop: Cameras) -> None:
    said = [created(when=WHEN), {"action": "c2pa.edited.metadata"}, {"action": "c2pa.published"}]
    assert read(shop, sign(PLAIN, shop.camera, shop.maker, said))


def test_an_expired_certificate_is_not_trusted(shop: Cameras) -> None:
    camera = signer("Old camera", shop.maker, until=datetime.now(UTC) + timedelta(seconds=2))
    data = sign(PLAIN, camera, shop.maker, [created(when=WHEN)])
    while datetime.now(UTC) <= camera.certificate.not_valid_after_utc + timedelta(seconds=1):
        time.sleep(0.2)
    assert read(shop, data) is None


def test_what_another_list_trusts_is_not_trusted_here(shop: Cameras, tmp_path: Path) -> None:
    data = shop.take(PLAIN, WHEN)
    elsewhere = tmp_path / "elsewhere.pem"
    elsewhere.write_text(authority("Stranger").pem)
    assert CaptureReader(elsewhere).read(data, "jpeg") is None
    # the list is read for each photograph: an authority that was added is trusted at once
    elsewhere.write_text(authority("Stranger").pem + shop.maker.pem)
    assert CaptureReader(elsewhere).read(data, "jpeg")


@contextmanager
def serving(answer: Any) -> Generator[tuple[str, list[str]]]:
    """A server on this machine, and what it was asked."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            asked.append(self.path)
            body = answer(self.rfile.read(int(self.headers.get("content-length") or 0)))
            self.send_response(200)
            self.send_header("content-type", "application/timestamp-reply")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_HEAD = _answer  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()


def test_a_trusted_time_stamp_says_when_and_any_other_does_not(shop: Cameras, tmp_path: Path) -> None:
    clocks = authority("Clocks")
    clock = signer("Clock", clocks, ExtendedKeyUsageOID.TIME_STAMPING)
    (tmp_path / "clock.pem").write_text(clock.pem)
    (tmp_path / "clock.key").write_text(clock.key_pem)
    (tmp_path / "chain.pem").write_text(clocks.pem)
    (tmp_path / "settings").write_text(
        f"[clock]\nserial = {tmp_path}/serial\ndefault_policy = 1.2.3.4\ndigests = sha256, sha384, sha512\n"
        "signer_digest = sha256\ness_cert_id_alg = sha256\n"
    )

    def stamp(query: bytes) -> bytes:
        (tmp_path / "query").write_bytes(query)
        words = "ts -reply -config settings -section clock -queryfile query -signer clock.pem -inkey clock.key -chain chain.pem"
        return subprocess.run(["openssl", *words.split()], cwd=tmp_path, capture_output=True, check=True).stdout

    before = datetime.now(UTC).replace(microsecond=0)
    with serving(stamp) as (address, _):
        data = shop.take(PLAIN, WHEN, clock=address)
    untrusted = read(shop, data)
    assert untrusted
    assert (untrusted.taken_at, untrusted.time_stamped) == (WHEN, False)
    stamped = read(cameras(tmp_path, clocks), data)
    assert stamped
    assert stamped.time_stamped
    assert before <= stamped.taken_at <= datetime.now(UTC)


def remote(shop: Cameras, address: str) -> bytes:
    """A picture that names an address to fetch its manifest from, and holds none."""
    info = c2pa.C2paSignerInfo(
        c2pa.C2paSigningAlg.ES256,  # pyright: ignore[reportArgumentType]
        (shop.camera.pem + shop.maker.pem).encode(),
        shop.camera.key_pem.encode(),
        None,
    )
    manifest = {"assertions": [{"label": "c2pa.actions", "data": {"actions": [created(when=WHEN)]}}]}
    with c2pa.Context.from_dict({"builder": {"thumbnail": {"enabled": False}}}) as context:
        builder = c2pa.Builder(manifest, context=context)
        builder.set_no_embed()
        builder.set_remote_url(f"{address}/manifest.c2pa")
        target = io.BytesIO()
        builder.sign(c2pa.Signer.from_info(info), "image/jpeg", io.BytesIO(PLAIN), target)
    return target.getvalue() + b"c2pa"


def test_nothing_is_fetched_whatever_address_a_picture_names(shop: Cameras) -> None:
    with serving(lambda _: b"") as (address, asked):
        data = remote(shop, address)
        # the library by itself would: the picture is a real trap
        with pytest.raises(c2pa.C2paError), c2pa.Context.from_dict({}) as context:
            c2pa.Reader("image/jpeg", io.BytesIO(data), context=context)
        assert asked == ["/manifest.c2pa"]
        asked.clear()
        assert read(shop, data) is None
        assert asked == []


def test_the_reader_could_not_connect_if_it_wanted_to(shop: Cameras, tmp_path: Path, monkeypatch: Any) -> None:
    # the same program with the library's own settings, which fetch: the system refuses it
    daring = tmp_path / "daring.py"
    source = capture._CHILD.read_text()  # pyright: ignore[reportPrivateUsage]
    assert source.count('"remote_manifest_fetch": False') == 1
    assert source.count('"allowed_network_hosts": []') == 1
    source = source.replace('"remote_manifest_fetch": False', '"remote_manifest_fetch": True')
    daring.write_text(source.replace('"core": {"allowed_network_hosts": []},', ""))
    monkeypatch.setattr(capture, "_CHILD", daring)
    with serving(lambda _: b"") as (address, asked):
        assert read(shop, remote(shop, address)) is None
        assert asked == []
    daring.write_text(
        source.replace('_limit("RLIMIT_NOFILE", 0)', "pass").replace('"core": {"allowed_network_hosts": []},', "")
    )
    with serving(lambda _: b"") as (address, asked):
        assert read(shop, remote(shop, address)) is None
        assert asked == ["/manifest.c2pa"]


def test_broken_manifests_are_no_credentials_and_end_nothing(shop: Cameras) -> None:
    signed, draw = shop.take(saved(noise(5)), WHEN), random.Random(20_26)
    end = signed.index(b"\xff\xdb")
    for _ in range(25):
        broken = bytearray(signed)
        for _ in range(draw.choice((1, 2, 40))):
            broken[draw.randrange(20, end)] = draw.randrange(256)
        if draw.random() < 0.3:
            place = draw.randrange(20, end)
            del broken[place : place + draw.randrange(1, 400)]
        found = read(shop, bytes(broken))
        assert found is None or found == read(shop, signed)


@pytest.mark.parametrize(
    "does", ["import os; os.abort()", "while True: pass", "bytearray(10**10)", "print('{}' * 10**6)"]
)
def test_a_reader_that_crashes_stalls_swells_or_babbles_is_no_credential(
    shop: Cameras, tmp_path: Path, monkeypatch: Any, does: str
) -> None:
    child = tmp_path / "child.py"
    child.write_text(does)
    monkeypatch.setattr(capture, "_CHILD", child)
    monkeypatch.setattr(capture, "_SECONDS", 1)
    assert read(shop, shop.take(PLAIN, WHEN)) is None


@pytest.mark.parametrize(
    "report",
    [b"", b"[]", b"null", b"{}", b"\xff\xff", b"[" * 100_000, b'{"active_manifest": "a", "manifests": {}}',
     b'{"active_manifest": "a", "manifests": {"a": {"claim": 1, "assertion_store": {}, "signature": {}}}}'],
)  # fmt: skip
def test_a_report_that_is_none_is_no_credential(report: bytes) -> None:
    assert credential_of(report) is None


def test_without_a_list_nothing_is_read_and_one_that_cannot_be_used_is_told(
    shop: Cameras, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert open_reader({}) is None
    assert open_reader({ANCHORS_VARIABLE: ""}) is None
    reader = open_reader({ANCHORS_VARIABLE: str(shop.anchors)})
    assert reader
    assert "trusted certificates: 1" in reader.check()
    for name, content in (("empty", ""), ("words", "no certificates"), ("key", shop.camera.key_pem)):
        (tmp_path / name).write_text(content)
        with pytest.raises(BadInput, match="no file of certificates in PEM") as told:
            open_reader({ANCHORS_VARIABLE: str(tmp_path / name)})
        assert told.value.field == ANCHORS_VARIABLE
    with pytest.raises(BadInput, match="No such file"):
        open_reader({ANCHORS_VARIABLE: str(tmp_path / "missing")})
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    with pytest.raises(BadInput, match=r"pip install 'evenhand\[c2pa\]'"):
        open_reader({ANCHORS_VARIABLE: str(shop.anchors)})
