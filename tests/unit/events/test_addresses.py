"""Where webhooks may go: however a private address is written or hidden it is refused; what was checked is connected to."""

import asyncio
import subprocess
import sys
from collections.abc import Sequence

import pytest

from evenhand.errors import BadInput
from evenhand.events import addresses
from evenhand.events.addresses import Refused, Resolve, check_url, is_public, look_up
from evenhand.events.sender import Sender


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.255.255.254", "0.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "100.100.100.200", "100.64.0.1", "168.63.129.16", "192.0.0.192", "192.0.2.1", "198.18.0.1",
        "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255",
        "::1", "::", "fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1", "::127.0.0.1", "::7f00:1",
        "64:ff9b::7f00:1", "64:ff9b::a9fe:a9fe", "64:ff9b:1::1", "2002:7f00:1::", "2002:a9fe:a9fe::1",
        "2001:0:4136:e378:8000:63bf:3fff:fdd2", "nonsense", "",
    ],
)  # fmt: skip
def test_no_private_address_is_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["93.184.216.34", "1.1.1.1", "2606:4700::1111", "::ffff:93.184.216.34"])
def test_public_addresses_are(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1", "127.1", "127.0.1", "0",
        "localhost", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]", "[fe80::1]",
        "2852039166", "169.254.169.254", "0xa9fea9fe",
    ],
)  # fmt: skip
async def test_however_a_private_address_is_written_it_is_refused(host: str) -> None:
    with pytest.raises(BadInput) as refused:
        await check_url(f"https://{host}/events", allow_private=False)
    assert refused.value.field == "url"


def names(**addresses: Sequence[Sequence[str]]) -> Resolve:
    """A name service whose answers change with every question."""
    asked = dict.fromkeys(addresses, 0)

    async def resolve(host: str, port: int) -> Sequence[str]:
        name = host.partition(".")[0]
        answers = addresses[name]
        answer = answers[min(asked[name], len(answers) - 1)]
        asked[name] += 1
        return answer

    return resolve


async def test_a_name_with_one_private_address_among_public_ones_is_refused() -> None:
    resolver = names(mixed=[["93.184.216.34", "10.0.0.1"]])
    with pytest.raises(Refused, match=r"10\.0\.0\.1"):
        await look_up("mixed.example", 443, allow_private=False, resolver=resolver)


async def test_a_name_that_turns_private_after_it_was_checked_is_not_connected_to() -> None:
    reached: list[bytes] = []

    async def secret(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        reached.append(await reader.read(100))
        writer.close()

    server = await asyncio.start_server(secret, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    resolver = names(rebound=[["93.184.216.34"], ["127.0.0.1"]])
    url = f"https://rebound.example:{port}/"
    assert await check_url(url, allow_private=False, resolver=resolver) == url
    async with Sender(allow_private=False, resolver=resolver, limit_seconds=2) as sender:
        sent = await sender.send(url, {}, b"{}")
    assert (sent.arrived, sent.error) == (False, "rebound.example is 127.0.0.1, which is not a public address")
    assert reached == []
    server.close()


async def test_the_connection_goes_to_the_address_that_was_looked_at() -> None:
    """Were the name resolved again for connecting, the second answer would be used, at which nobody listens."""

    async def receiver(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        hosts.append(next(line for line in head.split(b"\r\n") if line.lower().startswith(b"host:")))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    hosts: list[bytes] = []
    server = await asyncio.start_server(receiver, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    resolver = names(shop=[["127.0.0.1"], ["127.99.99.99"]])
    async with Sender(allow_private=True, resolver=resolver, limit_seconds=2) as sender:
        sent = await sender.send(f"http://shop.example:{port}/events", {}, b"{}")
    assert sent.status == 204
    assert hosts == [b"Host: shop.example:%d" % port]
    server.close()


@pytest.mark.parametrize(
    "url",
    [
        "http://93.184.216.34/", "ftp://93.184.216.34/", "https://", "https://u:p@93.184.216.34/", "https://93.184.216.34/#x",
        "https://93.184.216.34:0/", "https://93.184.216.34:70000/", "https://exa mple/", "https://例子/", "https://a\\@b/",
        "//93.184.216.34/", "", "https://[::1/",
    ],
)  # fmt: skip
async def test_what_is_no_plain_https_url_is_refused(url: str) -> None:
    with pytest.raises(BadInput):
        await check_url(url, allow_private=False)


async def test_a_name_that_has_no_address_yet_may_be_set() -> None:
    async def nowhere(host: str, port: int) -> Sequence[str]:
        raise OSError("no such name")

    assert await check_url("https://soon.example/", allow_private=False, resolver=nowhere) == "https://soon.example/"


async def test_a_name_that_nobody_answers_for_is_waited_for_a_moment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(host: str, port: int) -> Sequence[str]:
        await asyncio.Event().wait()
        return []

    monkeypatch.setattr(addresses, "LOOKUP_SECONDS", 0.01)
    assert await check_url("https://slow.example/", allow_private=False, resolver=never) == "https://slow.example/"
    async with Sender(allow_private=False, resolver=never) as sender:
        sent = await sender.send("https://slow.example/", {}, b"{}")
    assert sent.error == "no connection: slow.example cannot be resolved: no address within 0.01 s"


def test_the_end_of_the_program_does_not_wait_for_a_lookup() -> None:
    program = """
import asyncio, socket, threading
from evenhand.events import addresses
socket.getaddrinfo = lambda *_, **__: threading.Event().wait()
addresses.LOOKUP_SECONDS = 0.01
print(asyncio.run(addresses.check_url("https://slow.example/", allow_private=False)))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "https://slow.example/"
