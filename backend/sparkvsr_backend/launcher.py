"""Starting and ending: what `sparkvsr serve` runs. One backend for each user; it leaves nothing behind."""

from __future__ import annotations

import argparse
import gc
import os
import secrets
import signal
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from sparkvsr_backend.errors import AlreadyRunningError, BackendError
from sparkvsr_backend.log import event, log_to
from sparkvsr_backend.presence import Presence
from sparkvsr_backend.runtime import (
    LOCK_FILE,
    LOG_FILE,
    SOCKET_FILE,
    Lock,
    check_address,
    runtime_directory,
    secure_directory,
)
from sparkvsr_backend.version import VERSION

if TYPE_CHECKING:
    from sparkvsr.engine import EngineRegistry
    from sparkvsr_backend.server import Server

DEFAULT_IDLE_TIMEOUT_S = 600.0
_SWITCH_INTERVAL_S = 0.0001  # the socket's thread must not wait long for the interpreter
_PRIVATE_UMASK = 0o077


@dataclass(frozen=True)
class ServeOptions:
    """How to serve. ``address`` empty: a socket in the runtime directory; ``cache_bytes`` 0: half of the free memory;
    ``vram_bytes``: of it on a GPU, 0: a quarter of that GPU's;
    ``frame_bytes`` 0: an eighth of the machine's memory;
    ``idle_timeout_s`` 0: for ever; ``log`` None: the file in the runtime directory, "-": standard error."""

    device: str = "cpu"
    idle_timeout_s: float = DEFAULT_IDLE_TIMEOUT_S
    address: str = ""
    log: str | None = None
    cache_bytes: int = 0
    vram_bytes: int = 0
    frame_bytes: int = 0
    workers: int = 0
    directory: Path | None = None


def serve(options: ServeOptions, registry: Callable[[], EngineRegistry] | None = None) -> int:
    """Serve until stopped or idle; returns the exit status. 0 too when another backend already serves.

    ``registry`` makes the engines on offer (default: those of this package), once the lock is held. Raises BackendError
    when it cannot start.
    """
    directory = options.directory or runtime_directory()
    os.umask(_PRIVATE_UMASK)
    secure_directory(directory, create=True)
    try:
        lock = Lock(directory / LOCK_FILE)
    except AlreadyRunningError as error:
        sys.stderr.write(f"{error}\n")
        return 0
    try:
        log_to(_log_path(options, directory))
        _serve_locked(options, directory, lock, registry)
    except BaseException as error:
        event("start_failed", level=40, error=f"{type(error).__name__}: {error}")
        raise
    finally:
        lock.give_back()
    return 0


def _log_path(options: ServeOptions, directory: Path) -> Path | None:
    chosen = options.log or os.environ.get("SPARKVSR_LOG")
    if chosen == "-":
        return None
    return Path(chosen) if chosen else directory / LOG_FILE


def _serve_locked(
    options: ServeOptions, directory: Path, lock: Lock, registry: Callable[[], EngineRegistry] | None
) -> None:
    token = secrets.token_hex(32)
    address = check_address(
        options.address or os.environ.get("SPARKVSR_ADDRESS") or f"ipc://{directory.absolute() / SOCKET_FILE}"
    )
    presence = Presence(directory, lock, address, token)
    server = _make_server(options, token, presence, registry)
    try:
        endpoint = server.bind(address)
        _install_signals(server)
        presence.announce(server, endpoint)
        event("serving", version=VERSION, endpoint=endpoint, device=options.device, pid=os.getpid())
        event("ended", why=server.run())
    finally:
        presence.withdraw()


def _make_server(
    options: ServeOptions, token: str, presence: Presence, registry: Callable[[], EngineRegistry] | None
) -> Server:
    """Everything that imports torch and OpenCV happens here, before anybody can connect and wait for it."""
    _tune_process()
    from sparkvsr.engine import default_registry
    from sparkvsr_backend.cache import Budgets
    from sparkvsr_backend.engine_loop import EngineLoop
    from sparkvsr_backend.memory import default_cache_bytes, default_vram_bytes, largest_frame_bytes
    from sparkvsr_backend.server import Server, ServerOptions

    frame_bytes = options.frame_bytes or largest_frame_bytes()
    budgets = replace(Budgets.share_out(options.cache_bytes or default_cache_bytes()), arrivals=2 * frame_bytes)
    budgets = budgets.within(None, options.vram_bytes or default_vram_bytes(options.device), options.device)
    loop = EngineLoop((registry or default_registry)(), options.device, budgets)
    server = Server(
        loop,
        ServerOptions(
            token=token,
            device=str(loop.device),
            workers=options.workers or default_workers(os.cpu_count() or 1),
            idle_timeout_s=options.idle_timeout_s or None,
            frame_bytes=frame_bytes,
            is_findable=presence.renew,
        ),
    )
    gc.freeze()  # what is there by now stays: to look through it again and again would hold up requests
    return server


def _tune_process() -> None:
    """Before torch is imported."""
    from sparkvsr.arithmetic import hold_to_common
    from sparkvsr_backend.memory import keep_freed_memory

    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # idle threads leave the cores to the host beside us
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")  # torch asks for huge pages: a 512th of the page faults
    keep_freed_memory()
    hold_to_common()
    sys.setswitchinterval(_SWITCH_INTERVAL_S)


def default_workers(cpus: int) -> int:
    """Engines use several cores for one frame; a second worker keeps the artist from waiting for a batch."""
    return max(2, min(4, cpus // 4))


def _install_signals(server: Server) -> None:
    def stop(number: int, _: FrameType | None) -> None:
        server.stop()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    signal.signal(signal.SIGHUP, signal.SIG_IGN)  # the backend outlives the host and the terminal that started it


def parse_arguments(arguments: Sequence[str]) -> ServeOptions:
    """Options of ``serve``."""
    parser = argparse.ArgumentParser(prog="sparkvsr serve", description="Serve engines to plugins on this machine.")
    parser.add_argument("--device", default="cpu", help="cpu or cuda (default: %(default)s)")
    parser.add_argument(
        "--idle-timeout",
        type=float,
        default=DEFAULT_IDLE_TIMEOUT_S,
        metavar="S",
        help="exit after S seconds without clients; 0: never (default: %(default)s)",
    )
    parser.add_argument(
        "--address", default="", help="ipc:///path or tcp://127.0.0.1:port (default: in the runtime directory)"
    )
    parser.add_argument(
        "--log", metavar="FILE", help="log file; - for standard error (default: in the runtime directory)"
    )
    parser.add_argument(
        "--cache-gb", type=float, default=0.0, metavar="GB", help="memory for caches (default: half of what is free)"
    )
    parser.add_argument(
        "--vram-gb", type=float, default=0.0, metavar="GB", help="of a GPU's memory for caches (default: a quarter)"
    )
    parser.add_argument(
        "--frame-mb",
        type=float,
        default=0.0,
        metavar="MB",
        help="largest frame accepted (default: by the memory there is)",
    )
    parser.add_argument(
        "--workers", type=int, default=0, help="frames rendered at once (default: by the number of cores)"
    )
    chosen = parser.parse_args(arguments)
    return ServeOptions(
        device=chosen.device,
        idle_timeout_s=chosen.idle_timeout,
        address=chosen.address,
        log=chosen.log,
        cache_bytes=int(chosen.cache_gb * (1 << 30)),
        vram_bytes=int(chosen.vram_gb * (1 << 30)),
        frame_bytes=int(chosen.frame_mb * (1 << 20)),
        workers=chosen.workers,
    )


def main(arguments: Sequence[str]) -> int:
    """`python -m sparkvsr_backend serve …`: the exit status."""
    if not arguments or arguments[0] != "serve":
        sys.stderr.write("usage: python -m sparkvsr_backend serve [--help]\n")
        return 2
    return run(parse_arguments(arguments[1:]))


def run(options: ServeOptions, registry: Callable[[], EngineRegistry] | None = None) -> int:
    """``serve``, with what goes wrong said on standard error: the exit status."""
    try:
        return serve(options, registry)
    except BackendError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except (
        OSError,
        RuntimeError,
        ValueError,
    ) as error:  # a folder that cannot be made or written, a device that torch has not
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        return 1


def leave(status: int) -> None:
    """End the process at once: engine threads may be in the middle of a frame that nobody waits for any more."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)
