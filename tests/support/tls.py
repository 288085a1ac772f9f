"""HTTPS in front of a server of the tests, with certificates made on the spot: one that the browser is told to trust, one expired."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime as dt
import hashlib
import ipaddress
import ssl
import threading
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


class TlsFront:
    """``with TlsFront(port, folder) as front``: https on ``front.port``; ``front.expire()`` and ``front.renew()`` while it runs.

    A browser trusts the good certificate with the flag ``front.flag`` and no other one.
    """

    def __init__(self, target: int, folder: Path) -> None:
        self.target = target
        now = dt.datetime.now(dt.UTC)
        self.good, trusted = _certificate(folder / "good.pem", now - dt.timedelta(days=1), now + dt.timedelta(days=2))
        self.expired, _other = _certificate(folder / "expired.pem", now - dt.timedelta(days=90), now - dt.timedelta(hours=1))
        self.flag = f"--ignore-certificate-errors-spki-list={trusted}"
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self.server: asyncio.Server | None = None
        self.open: set[asyncio.StreamWriter] = set()
        self.port = 0

    def __enter__(self) -> TlsFront:
        self.thread.start()
        self._run(self._listen(self.good))
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._close())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.loop.close()

    def expire(self) -> None:
        self._run(self._listen(self.expired))

    def renew(self) -> None:
        self._run(self._listen(self.good))

    def _run(self, work: Any) -> None:
        asyncio.run_coroutine_threadsafe(work, self.loop).result(10)

    async def _listen(self, context: ssl.SSLContext) -> None:
        await self._close()
        self.server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=context)
        self.port = self.server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        if self.server is not None:
            self.server.close()
        for writer in list(self.open):
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open.add(writer)
        with contextlib.suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.target)
            self.open.add(far_writer)
            await asyncio.gather(_pump(reader, far_writer), _pump(far_reader, writer))
            self.open.discard(far_writer)
        writer.close()
        self.open.discard(writer)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()


def _certificate(path: Path, begins: dt.datetime, ends: dt.datetime) -> tuple[ssl.SSLContext, str]:
    """A self-made certificate of the loopback, and the hash of its key as Chromium's flag wants it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = serialization.NoEncryption()
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain)
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path)
    spki = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return context, base64.b64encode(hashlib.sha256(spki).digest()).decode()
