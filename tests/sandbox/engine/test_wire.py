"""HTTP as runtimes send it, in whatever pieces it arrives, and the log pipe."""

from __future__ import annotations

import json
import os
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab.sandbox.engine.logpipe import LogPipe
from lambdalab.sandbox.engine.wire import BadRequestError, Connection, Request, response_bytes


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, Connection]]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        connection = Connection(server.accept()[0])
        yield theirs, connection
        connection.close()
        theirs.close()


def _read(pieces: list[bytes]) -> list[Request]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        theirs = socket.create_connection(server.getsockname())
        theirs.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = Connection(server.accept()[0])
        found = []
        for piece in pieces:
            theirs.sendall(piece)
            connection._socket.setblocking(True)
            request = connection.read()
            connection._socket.setblocking(False)
            if request is not None:
                found.append(request)
        theirs.close()
        connection.close()
    return found


@given(
    st.binary(max_size=300),
    st.lists(st.integers(1, 60), max_size=12),
    st.booleans(),
)
def test_request_in_any_pieces(body: bytes, cuts: list[int], chunked: bool) -> None:
    if chunked:
        half = len(body) // 2
        parts = [part for part in (body[:half], body[half:]) if part]
        sent = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
        head = b"Transfer-Encoding: chunked"
    else:
        sent, head = body, b"Content-Length: %d" % len(body)
    data = b"POST /a/b?c=d HTTP/1.1\r\nX-Name:  v \r\n" + head + b"\r\n\r\n" + sent
    pieces = []
    for cut in cuts:
        pieces.append(data[:cut])
        data = data[cut:]
    pieces.append(data)
    (request,) = _read([piece for piece in pieces if piece])
    assert (request.method, request.path, request.body) == ("POST", "/a/b", body)
    assert request.headers["x-name"] == "v"


@pytest.mark.parametrize(
    "data",
    [
        b"NONSENSE\r\n\r\n",
        b"GET / HTTP/1.1\r\nno colon\r\n\r\n",
        b"x" * 70_000,
        b"POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    ],
    ids=["line", "header", "too long", "length", "chunk"],
)
def test_what_is_not_http(pair: tuple[socket.socket, Connection], data: bytes) -> None:
    theirs, connection = pair
    theirs.sendall(data)
    connection._socket.setblocking(True)
    with pytest.raises(BadRequestError):
        for _ in range(100):
            connection.read()


def test_peer_that_asks_first_is_told_to_go_on(pair: tuple[socket.socket, Connection]) -> None:
    theirs, connection = pair
    theirs.sendall(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    connection._socket.setblocking(True)
    assert connection.read() is None
    assert theirs.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
    theirs.sendall(b"ok")
    connection._socket.setblocking(True)
    request = connection.read()
    assert request is not None and request.body == b"ok"


def test_peer_that_went_away_closes_the_connection(
    pair: tuple[socket.socket, Connection],
) -> None:
    theirs, connection = pair
    theirs.close()
    connection._socket.setblocking(True)
    assert connection.read() is None and connection.closed
    connection.send(b"to nobody")


def test_response_is_whole() -> None:
    data = response_bytes(200, b'{"a": 1}', {"X-Name": "v"})
    head, _, body = data.partition(b"\r\n\r\n")
    assert head.split(b"\r\n")[0] == b"HTTP/1.1 200 OK"
    assert b"X-Name: v" in head and b"Content-Length: 8" in head
    assert json.loads(body) == {"a": 1}


# -- the log pipe ------------------------------------------------------------------------------


def _frame(text: str) -> bytes:
    data = text.encode()
    return struct.pack(">IIQ", 0xA55A0003, len(data), 0) + data


def test_frames_and_lines_keep_their_order_in_any_pieces() -> None:
    stream = b"one\n" + _frame("two\nof two lines") + b"three\r\nfour" + _frame("five") + b"six"
    for size in (1, 3, 7, 1000):
        pipe = LogPipe()
        seen: list[str] = []
        for start in range(0, len(stream), size):
            os.write(pipe.writer, stream[start : start + size])
            seen += pipe.drain()
        seen += pipe.drain(flush=True)
        pipe.close()
        assert [line for line in seen if line] == [
            "one",
            "two\nof two lines",
            "three",
            "four",
            "five",
            "six",
        ]


def test_line_without_end_is_cut_at_what_cloudwatch_takes() -> None:
    pipe = LogPipe()
    os.set_blocking(pipe.writer, False)
    seen: list[str] = []
    sent = 0
    while sent < 600_000:
        try:
            sent += os.write(pipe.writer, b"x" * 50_000)
        except BlockingIOError:
            seen += pipe.drain()
    seen += pipe.drain(flush=True)
    pipe.close()
    assert sum(map(len, seen)) == sent
    assert max(map(len, seen)) <= 256 * 1024


def test_bytes_that_are_no_text_are_shown_somehow() -> None:
    pipe = LogPipe()
    os.write(pipe.writer, b"\xff\xfe caf\xc3\xa9\n")
    assert pipe.drain() == ["\ufffd\ufffd café"]
    pipe.close()
