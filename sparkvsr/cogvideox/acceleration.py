"""Two ways to be faster that may round otherwise, so that they are options: compiled blocks, channels last in memory.

They hold for the length of a piece of work, as engines with other options share the same networks.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import torch

from sparkvsr.cogvideox.blocks import Part, blocks_of
from sparkvsr.cogvideox.models import Models
from sparkvsr.cogvideox.options import EngineOptions
from sparkvsr.engine import EngineUnavailableError

_FORMATS: Final = {"first": torch.contiguous_format, "last": torch.channels_last_3d}
_VOLUME: Final = 5
# Every shape is compiled on its own: a graph for any shape would make the bytes depend on what was asked for before.
_SHAPES: Final = 256
CACHE_VARIABLE: Final = "TORCHINDUCTOR_CACHE_DIR"


@contextmanager
def accelerated(models: Models, part: Part, options: EngineOptions) -> Iterator[None]:
    """The network of ``part`` as the options ask for. Raises EngineUnavailableError where nothing can be compiled."""
    if part is Part.AUTOENCODER:
        _lay_out(models.vae, _FORMATS[options.channels])
    wanted = {"off": (), "transformer": (Part.TRANSFORMER,), "all": tuple(Part)}[options.compile]
    if part not in wanted:
        yield
        return
    with _compiled(models, part), _named(models.device):
        yield


def _lay_out(vae: Any, memory_format: torch.memory_format) -> None:
    """Kernels [out, in, t, h, w] of the convolutions; what flows through takes their order."""
    for parameter in vae.parameters():
        if parameter.dim() == _VOLUME and not parameter.is_contiguous(memory_format=memory_format):
            parameter.data = parameter.data.contiguous(memory_format=memory_format)


@contextmanager
def _compiled(models: Models, part: Part) -> Iterator[None]:
    """The blocks' own hooks stay outside of what is compiled, so work can still be stopped before each of them."""
    require_compiler(models.device)
    keep_compiled_code()
    _allow_many_shapes()
    with ExitStack() as undo:
        for block in blocks_of(models, part):
            kind: Any = type(block)
            block.forward = _Bound(_compiled_forward(kind), block)
            undo.callback(block.__dict__.pop, "forward")
        yield


def _allow_many_shapes() -> None:
    """Above the limit blocks would silently run uncompiled, with other bytes. Set anew by each thread, and for good:
    by version of torch this is a thread's own or all threads', who would then take it away from each other.
    """
    from torch._dynamo import config

    config.recompile_limit = config.accumulated_recompile_limit = _SHAPES
    config.fail_on_recompile_limit_hit = True


class _Bound:
    """A block's compiled ``forward``: one piece of code for all blocks of a kind."""

    def __init__(self, forward: Callable[..., Any], block: torch.nn.Module) -> None:
        self._forward = forward
        self._block = block

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        return self._forward(self._block, *arguments, **named)


@cache
def _compiled_forward(kind: type[torch.nn.Module]) -> Callable[..., Any]:
    compiled: Callable[..., Any] = torch.compile(kind.forward, fullgraph=True, dynamic=False)
    return compiled


@contextmanager
def _named(device: torch.device) -> Iterator[None]:
    from torch._dynamo.exc import TorchDynamoException
    from torch._inductor.exc import CppCompileError

    try:
        yield
    except (TorchDynamoException, CppCompileError) as error:
        told = str(error).strip().splitlines()[0]
        raise EngineUnavailableError(
            f"expected blocks that can be compiled for {device} (engine option compile), found: {told}"
        ) from error


def require_compiler(device: torch.device) -> None:
    """Raises EngineUnavailableError, which says what is missing. A stored ``compile`` is never passed over."""
    from torch._dynamo import config
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    if not hasattr(config, "fail_on_recompile_limit_hit"):
        raise EngineUnavailableError(
            f"expected torch 2.7 or newer for the engine option compile, found {torch.__version__}"
        )
    if device.type == "cuda" and find_spec("triton") is None:
        raise EngineUnavailableError("expected the package triton for the engine option compile, found none")
    try:
        get_cpp_compiler()
    except (InvalidCxxCompiler, RuntimeError):
        raise EngineUnavailableError(
            "expected a C++ compiler for the engine option compile, found none; install g++, or name one in CXX"
        ) from None


def keep_compiled_code() -> Path:
    """Where compiled code lies from process to process; a folder of the user's, closed to others."""
    chosen = os.environ.get(CACHE_VARIABLE)
    if chosen:
        return Path(chosen)
    cached = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    folder = Path(cached) / "sparkvsr" / "compiled"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.environ[CACHE_VARIABLE] = str(folder)
    return folder
