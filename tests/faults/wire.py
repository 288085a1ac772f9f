"""A wire between a gate and the server that can be slow, lossy, cut, or a hotel's captive portal."""

from __future__ import annotations

import contextlib
import random
import socket
import threading
import time

PORTAL = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 52\r\nConnection: close\r\n\r\n"
    b"<html><body>Welcome to Hall-WiFi, sign in</body></html>"[:52]
)


class Wire:
    """A TCP proxy on the loopback; set its attributes while it runs."""

    def __init__(self, target: int, seed: int = 0) -> None:
        self.target = target
        self.cut_answers = False  # the request arrives, its answer does not
        self.delay = 0.0  # seconds, each way
        self.loss = 0.0  # share of connections that break before a byte arrives
        self.portal = False  # everything is answered 200 with a page
        self.down = False  # refuses connections
        self.random = random.Random(seed)
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(128)
        self.port = int(self.listener.getsockname()[1])
        self.open: set[socket.socket] = set()
        self.running = True
        threading.Thread(target=self._accept, daemon=True).start()

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.running = False
        self.listener.close()
        for one in list(self.open):
            _shut(one)

    def _accept(self) -> None:
        while self.running:
            try:
                near, _address = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(near,), daemon=True).start()

    def _serve(self, near: socket.socket) -> None:
        near.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.down or self.random.random() < self.loss:
            _shut(near)
            return
        if self.portal:
            with contextlib.suppress(OSError):
                near.recv(65536)
                near.sendall(PORTAL)
            _shut(near)
            return
        try:
            far = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            _shut(near)
            return
        self.open |= {near, far}
        threading.Thread(target=self._pump, args=(near, far, False), daemon=True).start()
        self._pump(far, near, True)

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.delay:
                    time.sleep(self.delay)
                if self.portal or self.down or (answers and self.cut_answers):
                    break
                sink.sendall(data)
        for one in (source, sink):
            _shut(one)
            self.open.discard(one)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
