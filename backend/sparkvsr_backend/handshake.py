"""HELLO and WELCOME: who may speak, by which version, and what is on offer."""

from __future__ import annotations

import hmac
import os

import sparkvsr_backend.protocol as wire
from sparkvsr_backend.engine_loop import EngineLoop
from sparkvsr_backend.errors import BackendError, WrongProtocolError, WrongTokenError
from sparkvsr_backend.log import event
from sparkvsr_backend.protocol import Carrier
from sparkvsr_backend.version import VERSION


def agreed_version(hello: wire.Hello, token: str) -> int:
    """The highest version that both speak. Raises WrongTokenError, WrongProtocolError."""
    if not hmac.compare_digest(hello.token.encode(), token.encode()):
        raise WrongTokenError("the token is not that of the endpoint file")
    version = min(hello.proto_max, wire.PROTOCOL_MAX)
    if version < max(hello.proto_min, wire.PROTOCOL_MIN):
        raise WrongProtocolError(
            "no common protocol version",
            expected=f"{wire.PROTOCOL_MIN}..{wire.PROTOCOL_MAX}",
            found=f"{hello.proto_min}..{hello.proto_max}",
        )
    return version


def agreed_carriers(hello: wire.Hello) -> tuple[str, ...]:
    """Those that both have, best first."""
    return tuple(str(carrier) for carrier in Carrier if str(carrier) in hello.carriers)


def engine_cards(loop: EngineLoop) -> tuple[wire.EngineCard, ...]:
    """What WELCOME says of the engines. One that cannot be made here has no card, and refuses by name when asked."""
    return tuple(card for name in loop.engine_names() for card in _cards(loop, name))


def welcome(
    hello: wire.Hello,
    version: int,
    *,
    instance: str,
    device: str,
    frame_bytes: int,
    engines: tuple[wire.EngineCard, ...],
    arithmetic: str,
) -> wire.Welcome:
    """The answer to a HELLO that was found good."""
    return wire.Welcome(
        id=hello.id,
        proto=version,
        server=wire.Party(name="sparkvsr-backend", version=VERSION),
        instance=instance,
        pid=os.getpid(),
        device=device,
        engines=engines,
        carriers=agreed_carriers(hello),
        arithmetic=arithmetic,
        limits=wire.Limits(header_bytes=wire.HEADER_BYTES, frame_bytes=frame_bytes),
    )


def _cards(loop: EngineLoop, name: str) -> tuple[wire.EngineCard, ...]:
    try:
        info = loop.engine(name).info
    except BackendError as error:
        event("engine_missing", level=30, engine=name, error=str(error))
        return ()
    return (wire.EngineCard(name=name, scales=info.scales, window=info.window, identity=info.identity),)
