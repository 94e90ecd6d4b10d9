"""A hub on this machine that serves one repository from a folder, and misbehaves when told to."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

REPOSITORY = "somebody/checkpoint"
COMMIT = "c0ffee" * 6 + "c0ff"


@dataclass
class Hub:
    """``files``: contents by name. ``cut``: names of which only so many bytes are sent; from then on it is ``broken``.

    ``lies``: names whose listed checksum is not theirs. ``requests``: (path, first byte asked for).
    """

    files: dict[str, bytes]
    cut: dict[str, int] = field(default_factory=dict)
    lies: set[str] = field(default_factory=set)
    broken: bool = False
    requests: list[tuple[str, int]] = field(default_factory=list)
    endpoint: str = ""

    def listing(self) -> bytes:
        siblings = []
        for name, content in sorted(self.files.items()):
            entry: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": _git(content)}
            if name.endswith(".safetensors"):
                digest = hashlib.sha256(content + b"x" * (name in self.lies)).hexdigest()
                entry["lfs"] = {"sha256": digest, "size": len(content), "pointerSize": 134}
            elif name in self.lies:
                entry["blobId"] = "0" * 40
            siblings.append(entry)
        info = {"id": REPOSITORY, "modelId": REPOSITORY, "sha": COMMIT, "siblings": siblings, "tags": []}
        return json.dumps({**info, "private": False, "downloads": 0, "likes": 0}).encode()


def hub_of(folder: Path, prefix: str = "") -> Hub:
    """A repository with the files of a checkpoint, and some that nobody wants."""
    files = {prefix + p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    files["README.md"] = b"read me"
    files["text_encoder/model.safetensors"] = b"nineteen gigabytes"
    return Hub(files)


@contextmanager
def serving(hub: Hub) -> Iterator[Hub]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            _answer(self, hub)

        def log_message(self, *arguments: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hub.endpoint = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answer(request: BaseHTTPRequestHandler, hub: Hub) -> None:
    path = request.path.partition("?")[0]
    if hub.broken:
        request.send_error(503)
    elif path.startswith(f"/api/models/{REPOSITORY}"):
        _send(request, hub.listing(), "application/json")
    else:
        _send_file(request, hub, path.removeprefix(f"/{REPOSITORY}/resolve/{COMMIT}/").lstrip("/"))


def _send_file(request: BaseHTTPRequestHandler, hub: Hub, name: str) -> None:
    content = hub.files.get(name)
    if content is None:
        request.send_error(404)
        return
    asked = request.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0]
    start = int(asked)
    hub.requests.append((name, start))
    request.send_response(206 if "Range" in request.headers else 200)
    request.send_header("Content-Length", str(len(content) - start))
    if start:
        request.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
    request.end_headers()
    end = hub.cut.pop(name, len(content))
    request.wfile.write(content[start:end])
    if end < len(content):
        hub.broken = True


def _send(request: BaseHTTPRequestHandler, content: bytes, kind: str) -> None:
    request.send_response(200)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(content)))
    request.end_headers()
    request.wfile.write(content)


def _git(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
