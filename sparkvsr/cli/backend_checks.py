"""The doctor's look at the backend: rights, the one that runs, and one started to render a test frame."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from sparkvsr.cli.findings import Finding, fail, ok, warn
from sparkvsr.cli.install_plugin import backend_command
from sparkvsr.color import Transfer
from sparkvsr.frames import Frame, PixelFormat, Premultiplication, fingerprint
from sparkvsr_backend import protocol as wire
from sparkvsr_backend.client import Client, inline_output
from sparkvsr_backend.errors import BackendError, BackendNotFoundError, InsecureRuntimeDirectoryError
from sparkvsr_backend.requests import RenderRequest, Settings, Target
from sparkvsr_backend.runtime import ENDPOINT_FILE, check_address, runtime_directory, secure_directory

START_TIMEOUT_S = 60.0
_SIZE, _SCALE = (48, 32), 2


def runtime_rights() -> Iterator[Finding]:
    """Owner, mode, and a path short enough for a socket."""
    folder = runtime_directory()
    try:
        secure_directory(folder, create=True)
        check_address(f"ipc://{folder.absolute()}/backend-v1.sock")
    except InsecureRuntimeDirectoryError as error:
        yield fail("runtime directory", str(error), f"chown and chmod 0700 {folder}, or set SPARKVSR_RUNTIME_DIR")
    except (BackendError, OSError) as error:
        yield fail("runtime directory", f"{folder}: {error}", "set SPARKVSR_RUNTIME_DIR to a short path of your own")
    else:
        yield ok("runtime directory", f"{folder}, closed to others")


def running() -> Iterator[Finding]:
    """The user's own backend, when one runs."""
    try:
        with Client(name="sparkvsr-doctor", timeout_s=5.0) as client:
            reply = client.status()
    except BackendNotFoundError:
        yield ok("running backend", "none; the plugin starts one when it renders")
    except BackendError as error:
        yield warn("running backend", str(error), "end it: `sparkvsr status --shutdown`, or by its process number")
    else:
        yield ok("running backend", f"{reply.version} on {reply.device}, process {reply.pid}")


def round_trip() -> Iterator[Finding]:
    """Start a backend of this installation in a place of its own, and render a frame through its socket."""
    with tempfile.TemporaryDirectory(prefix="sparkvsr-doctor-", dir=_short_folder()) as folder:
        started = time.perf_counter()
        log = Path(folder) / "log"
        command = [*backend_command(), "--idle-timeout", "30", "--log", str(log)]
        environment = {**os.environ, "SPARKVSR_RUNTIME_DIR": folder}
        environment.pop("SPARKVSR_ADDRESS", None)
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
        )
        try:
            with _connected(Path(folder), process) as client:
                spent = time.perf_counter() - started
                device = client.welcome.device if client.welcome else "?"
                yield ok("backend start", f"{spent:.1f} s, device {device}")
                yield _render(client)
        except BackendError as error:
            yield fail(
                "round trip",
                f"{error}{_last_words(process, log)}",
                f"try it by hand: {' '.join(backend_command())} --log -",
            )
        finally:
            _end(process)


def _short_folder() -> str:
    """A socket's path may have 107 bytes, and temporary folders of some systems are long."""
    default = tempfile.gettempdir()
    return default if len(default) < 50 else "/tmp"  # noqa: S108 - a folder of mode 0700 is made in it


def _connected(folder: Path, process: subprocess.Popen[bytes]) -> Client:
    """Raises BackendError when it ends or does not serve in time."""
    deadline = time.monotonic() + START_TIMEOUT_S
    while not (folder / ENDPOINT_FILE).exists():
        code = process.poll()
        if code is not None:
            raise BackendError("the backend ended at once", expected="it serves", found=f"exit code {code}")
        if time.monotonic() > deadline:
            raise BackendError(
                "the backend does not serve", expected=f"within {START_TIMEOUT_S:.0f} s", found="silence"
            )
        time.sleep(0.05)
    return Client(folder, name="sparkvsr-doctor", carriers=("inline",))


def _render(client: Client) -> Finding:
    width, height = _SIZE
    pixels = np.linspace(0, 1, width * height * 3, dtype=np.float32).reshape(height, width, 3)
    source = Frame.from_numpy(pixels, Premultiplication.OPAQUE)
    output = PixelFormat(width * _SCALE, height * _SCALE, 3, premultiplication=Premultiplication.OPAQUE)
    key = fingerprint(source)
    client.send(wire.Put(fingerprint=key, image=wire.Image.inline(source.format)), [pixels.tobytes()])
    request = RenderRequest(
        session="doctor",
        time=0,
        settings=Settings(engine="lite", scale=_SCALE, transfer=Transfer.SRGB),
        window=((0, key),),
        range=(0, 0),
        target=Target.whole(output.width, output.height),
        output=output,
    )
    started = time.perf_counter()
    answer = client.request(wire.Render(id=client.next_id(), request=request, output=inline_output(output)))
    spent = (time.perf_counter() - started) * 1e3
    if isinstance(answer.message, wire.Error):
        return fail("round trip", f"{answer.message.name}: {answer.message.message}", "see `sparkvsr serve --log -`")
    result = np.frombuffer(answer.parts[0], np.float32)
    if result.size != output.width * output.height * 3 or not 0.45 < float(result.mean()) < 0.55:
        return fail(
            "round trip", f"wrong pixels: {result.size} samples, mean {result.mean():.3f}", "please report this"
        )
    return ok("round trip", f"a frame was rendered in {spent:.0f} ms")


def _last_words(process: subprocess.Popen[bytes], log: Path) -> str:
    """What the backend said before it failed."""
    if process.poll() is None:
        return ""
    said = process.stderr.read().decode(errors="replace").strip() if process.stderr else ""
    written = log.read_text(errors="replace").strip() if log.exists() else ""
    last = (said or written).splitlines()[-1:]
    return f": {last[0]}" if last else ""


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.communicate(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
