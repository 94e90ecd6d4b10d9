"""The 5B checkpoint behind the Engine contract: works in chunks; a caller that knows that decodes each chunk once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any, Final

import torch

from sparkvsr import evidence
from sparkvsr.cogvideox import codec, highlights
from sparkvsr.cogvideox.blocks import Part
from sparkvsr.cogvideox.chunk import (
    ChunkPropagation,
    ChunkSource,
    DecodedChunk,
    Gate,
    PlacedTerms,
    between_latents,
)
from sparkvsr.cogvideox.geometry import SPATIAL, TEMPORAL, Padding
from sparkvsr.cogvideox.lowband import corrected, low_band
from sparkvsr.cogvideox.models import Models
from sparkvsr.cogvideox.options import CHUNKS, EngineOptions, autoencoder_can, overlap_of
from sparkvsr.cogvideox.passes import tiled_x0
from sparkvsr.cogvideox.planner import Work
from sparkvsr.cogvideox.reference import KeyframeLatents, Placed, move, place, terms_at
from sparkvsr.cogvideox.residency import Networks
from sparkvsr.cogvideox.video import network_video, pad
from sparkvsr.engine import (
    Decoded,
    EngineError,
    EngineInfo,
    EngineSettings,
    Keyframe,
    Mix,
    Propagation,
    UnsupportedSettingError,
    Watch,
    WindowFrame,
)
from sparkvsr.guidance import GateTerms
from sparkvsr.propagation import CHUNK_OVERLAP
from sparkvsr.resample import resize

NAME: Final = "sparkvsr-5b"
VERSION: Final = 1
SCALES: Final = (1, 2, 3, 4)
GRIDS: Final = tuple(length - CHUNK_OVERLAP for length in CHUNKS)
"""Strides of the chunk grid."""
AGREEMENT_NOTICE: Final = 0.8


class CogVideoXEngine:
    """Keyframe-guided super-resolution by the published network, a chunk at a time. Safe to call from any thread.

    The network's work is done by one thread at a time, since two would need twice the memory.
    """

    def __init__(self, networks: Networks, options: EngineOptions) -> None:
        self._networks = networks
        self._options = options

    @property
    def info(self) -> EngineInfo:
        """Identity and limits. Loads nothing."""
        digest, options = self._networks.digest[:16], self._options
        resolved = options.resolved(self._networks.device)
        usual = options.chunk - CHUNK_OVERLAP
        return EngineInfo(
            name=NAME,
            scales=SCALES,
            window=options.chunk - 1,
            identity=f"{NAME}-{VERSION}/{digest}/{self._networks.device.type}/{resolved}",
            low_agreement=AGREEMENT_NOTICE,
            grids=(usual, *(grid for grid in GRIDS if grid != usual)),
        )

    def encode_source(self, window: Sequence[WindowFrame], settings: EngineSettings, watch: Watch) -> ChunkSource:
        """Latents of a chunk: of all frames from offset 0 on. Raises EngineError when there is a gap."""
        _require_supported(settings)
        frames = sorted((frame for frame in window if frame.offset >= 0), key=lambda frame: frame.offset)
        if not frames or [frame.offset for frame in frames] != list(range(len(frames))):
            raise EngineError(f"expected the frames 0, 1, 2, … of a chunk, found {[one.offset for one in frames][:60]}")
        parts = [highlights.split(frame.picture.cpu()) for frame in frames]
        bases = [base for base, _ in parts]
        padding = Padding(bases[0].shape[1] * settings.scale, bases[0].shape[2] * settings.scale)
        size = (padding.height, padding.width)
        _require_small_tiles(self._options.vae, padding)

        def encode(models: Models) -> torch.Tensor:
            video = network_video(bases, settings.scale, models.dtype)
            return codec.encode(models, video, *self._codec_tiles, watch).cpu()

        shape = Work(*size, len(frames))
        latents = self._networks.run(Part.AUTOENCODER, shape, settings.precision, watch, encode)
        return ChunkSource(
            frames=len(frames),
            scale=settings.scale,
            precision=settings.precision,
            padding=padding,
            latents=latents,
            slots=tuple(bases[::TEMPORAL]),
            low=tuple(low_band(frame.picture.cpu(), size) for frame in frames),
            excess=tuple(excess for _, excess in parts),
        )

    def encode_keyframe(
        self, picture: torch.Tensor, source: torch.Tensor | None, settings: EngineSettings, watch: Watch
    ) -> KeyframeLatents:
        """The keyframe's reference latent, and how it compares with its source frame."""
        _require_supported(settings)
        base = highlights.split(picture.cpu())[0]
        agreement = None
        if source is not None:
            stand_in = highlights.split(source.cpu())[0]
            agreement = evidence.agreement_with(base, stand_in)
        else:
            height, width = (max(1, side // settings.scale) for side in base.shape[1:])
            stand_in = resize(base, (height, width), "bicubic")
        return KeyframeLatents(base, stand_in, self._reference(base, settings.precision, watch), agreement)

    def propagate(
        self, latents: ChunkSource, keyframes: Sequence[Keyframe], settings: EngineSettings, watch: Watch
    ) -> Iterator[Propagation]:
        """One propagation for the whole chunk, at offset 0. Keyframes' offsets count from the chunk's first frame."""
        _require_supported(settings)
        placed = place([keyframe.offset for keyframe in keyframes], latents.frames, self._options.borrow)
        used = tuple(
            PlacedTerms(one, _terms(latents, keyframes[one.index], one, watch.part(*_span(number, placed, 0.4))))
            for number, one in enumerate(placed)
        )
        keyed = self._keyed(latents, keyframes, placed, watch.part(0.4, 1.0)) if placed else None
        data = ChunkPropagation(latents, keyed, used, len(keyframes))
        yield Propagation(offset=0, data=data, nbytes=data.nbytes)

    def decode_chunk(self, propagation: Propagation, mix: Mix, watch: Watch) -> DecodedChunk:
        """All pictures of a chunk: ``blind + s·g·(keyed − blind)`` in the latents, then the autoencoder."""
        data: ChunkPropagation = propagation.data
        source = data.source
        gate = Gate.of(data, mix.trust, self._options.gate)
        x0 = self._mixed(data, gate.gate, mix.guidance, watch.part(0.0, 0.5))
        height, width = source.padding.height, source.padding.width
        rest = watch.part(0.5, 1.0)

        def decode(models: Models) -> torch.Tensor:
            pictures = codec.decode(models, x0, *self._codec_tiles, rest)
            return pictures[: source.frames, :, :height, :width].cpu().contiguous()

        shape = Work(height, width, source.frames)
        pictures = self._networks.run(Part.AUTOENCODER, shape, source.precision, rest, decode)
        return DecodedChunk(source, pictures, gate, data.keyed is not None and mix.guidance != 0.0)

    def frame_of(self, chunk: DecodedChunk, offset: int) -> Decoded:
        """One frame of a decoded chunk; ``blind`` is None where keyframes had a part in it. Cheap."""
        if not 0 <= offset < chunk.source.frames:
            raise EngineError(f"expected a frame 0..{chunk.source.frames - 1} of the chunk, found {offset}")
        frame = self._finished(chunk, offset)
        confidence = _at_output(chunk, between_latents(chunk.gate.gate, offset).unsqueeze(0))
        shares = [_at_output(chunk, between_latents(one, offset).unsqueeze(0)) for one in chunk.gate.shares]
        influence = torch.cat(shares) if shares else confidence[:0]
        return Decoded(frame, None if chunk.keyed else frame, confidence, influence)

    def decode(self, propagation: Propagation, mix: Mix, watch: Watch) -> Decoded:
        """The frame at ``propagation.offset``, and without keyframes too: two decodings of the whole chunk."""
        chunk = self.decode_chunk(propagation, mix, watch.part(0.0, 0.5))
        decoded = self.frame_of(chunk, propagation.offset)
        if decoded.blind is not None:
            return decoded
        blind = self.decode_chunk(propagation, replace(mix, guidance=0.0), watch.part(0.5, 1.0))
        return replace(decoded, blind=self.frame_of(blind, propagation.offset).frame)

    def agreement(self, keyframe_latents: Any) -> float:
        """Mean agreement (0..1) of the picture with its source frame; 1.0 where there is none to compare with."""
        latents: KeyframeLatents = keyframe_latents
        return 1.0 if latents.agreement is None else latents.agreement.mean

    # --- the network's work ----------------------------------------------------------------------------------------

    @property
    def _codec_tiles(self) -> tuple[int, int]:
        return self._options.vae, overlap_of(self._options.vae)

    def _reference(self, picture: torch.Tensor, precision: str, watch: Watch) -> torch.Tensor:
        """The latent [16, h', w'] of a picture [3, H, W] in 0..1."""
        padding = Padding(picture.shape[1], picture.shape[2])
        padded = pad(picture, padding)

        def encode(models: Models) -> torch.Tensor:
            return codec.encode_reference(models, padded, *self._codec_tiles, watch).cpu()

        shape = Work(padding.height, padding.width, 1)
        return self._networks.run(Part.AUTOENCODER, shape, precision, watch, encode)

    def _keyed(
        self, source: ChunkSource, keyframes: Sequence[Keyframe], placed: Sequence[Placed], watch: Watch
    ) -> torch.Tensor:
        """x0 with the keyframes in their slots; one that lies between slots is moved to its slot's frame first."""
        slots = torch.zeros_like(source.latents)
        for number, one in enumerate(placed):
            known: KeyframeLatents = keyframes[one.index].latents
            if one.is_exact:
                slots[one.slot] = known.latent
            else:
                moved, share = move(known, source.slots[one.slot]), watch.part(*_span(number, placed, 0.2))
                slots[one.slot] = self._reference(moved, source.precision, share)
        return self._x0(source, slots, watch.part(0.2, 1.0))

    def _mixed(self, data: ChunkPropagation, gate: torch.Tensor, guidance: float, watch: Watch) -> torch.Tensor:
        """x0 with guidance; blind x0 is computed only where it has a part in it."""
        scaled = gate.unsqueeze(1) * guidance
        if data.keyed is not None and bool((scaled == 1.0).all()):
            return data.keyed
        source = data.source
        blind = source.blind.get(lambda: self._x0(source, None, watch))
        return blind if data.keyed is None or guidance == 0.0 else torch.lerp(blind, data.keyed, scaled)

    def _x0(self, source: ChunkSource, slots: torch.Tensor | None, watch: Watch) -> torch.Tensor:
        rows, columns = (side * SPATIAL for side in source.latents.shape[2:])
        tile = self._options.tile_for(rows, columns)

        def transform(models: Models) -> torch.Tensor:
            return tiled_x0(models, source.latents, slots, tile, overlap_of(tile), watch)

        shape = Work(source.padding.height, source.padding.width, source.frames)
        return self._networks.run(Part.TRANSFORMER, shape, source.precision, watch, transform)

    def _finished(self, chunk: DecodedChunk, offset: int) -> torch.Tensor:
        base = chunk.pictures[offset].float().clamp_(0.0, 1.0)
        picture = highlights.join(base, chunk.source.excess[offset])
        if not self._options.color:
            return picture
        correct = chunk.gate.correct
        weight = None if correct is None else _at_output(chunk, between_latents(correct, offset).unsqueeze(0))
        return corrected(picture, chunk.source.low[offset], weight)


def _span(number: int, among: Sequence[Placed], share: float) -> tuple[float, float]:
    """Which part of a piece of work is the ``number``-th of these, which are its first ``share``."""
    return share * number / len(among), share * (number + 1) / len(among)


def _terms(source: ChunkSource, keyframe: Keyframe, placed: Placed, watch: Watch) -> GateTerms:
    """Evidence at every latent; the padding at the chunk's end goes on as its last frame."""
    grid = (source.latents.shape[2], source.latents.shape[3])
    found: list[GateTerms] = []
    for slot, frame in enumerate(source.slots):
        watch.step(slot / len(source.slots), "motion")
        at = slot * TEMPORAL
        found.append(terms_at(keyframe.latents, placed.offset, frame, at, grid, keyframe.strength))
    found += [found[-1]] * (source.latents.shape[0] - len(found))
    motion, agreement = torch.cat([one.motion for one in found]), torch.cat([one.agreement for one in found])
    return GateTerms(motion, agreement, keyframe.strength)


def _at_output(chunk: DecodedChunk, coarse: torch.Tensor) -> torch.Tensor:
    """[1, h', w'] on the latents' grid to [1, H, W]."""
    padding = chunk.source.padding
    return resize(coarse, padding.padded, "linear")[:, : padding.height, : padding.width]


def _require_small_tiles(side: int, padding: Padding) -> None:
    if not autoencoder_can(side, *padding.padded):
        raise UnsupportedSettingError(
            f"expected smaller tiles of the autoencoder for {padding.width}×{padding.height}, found vae={side}: its "
            "convolutions cannot be cut there; vae=1024 works"
        )


def _require_supported(settings: EngineSettings) -> None:
    if settings.scale not in SCALES:
        raise UnsupportedSettingError(f"expected a scale of {', '.join(map(str, SCALES))}, found {settings.scale}")
    if settings.precision not in ("float32", "bfloat16"):
        raise UnsupportedSettingError(f"expected precision float32 or bfloat16, found {settings.precision}")
    if settings.quality != "full":
        raise UnsupportedSettingError(
            f"expected quality full, which is all that this engine has; found {settings.quality}"
        )
