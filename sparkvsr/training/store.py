"""What the hand-made engine knows of many frames, cut into pieces and kept on disk: the fusion network's material.

Motion is measured between whole frames, as in use, which is dear; so pieces are made once and used many times.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from torch.utils.data import Dataset

from sparkvsr import motion
from sparkvsr.engine import EngineSettings, Keyframe, Watch, WindowFrame
from sparkvsr.lite import fusion, handmade
from sparkvsr.lite.engine import LiteEngine
from sparkvsr.lite.latents import SourceLatents
from sparkvsr.lite.network import FusionInput
from sparkvsr.resample import blur
from sparkvsr.training import scenes, spoil
from sparkvsr.training.degradations import reduce_clean
from sparkvsr.training.material import Material

SCALE = 4
KEYFRAMES = 2  # of a piece; one that is not there has strength 0
_PIECE = 192  # output pixels
_PIECES_A_SCENE = 6
_Random = np.random.Generator


@dataclass(frozen=True, slots=True)
class Layout:
    """Shapes of a piece, all float16: ``FusionInput``, the truth, and how far the true keyframe's motion holds."""

    blind: tuple[int, ...] = (3, _PIECE, _PIECE)
    contrast: tuple[int, ...] = (1, _PIECE // 2, _PIECE // 2)
    keyed: tuple[int, ...] = (KEYFRAMES, 3, _PIECE, _PIECE)
    unlike: tuple[int, ...] = (KEYFRAMES, 3, _PIECE // 2, _PIECE // 2)
    disagreement: tuple[int, ...] = (KEYFRAMES, 3, _PIECE // 2, _PIECE // 2)
    motion: tuple[int, ...] = (KEYFRAMES, 1, _PIECE // 2, _PIECE // 2)
    agreement: tuple[int, ...] = (KEYFRAMES, 1, _PIECE // 2, _PIECE // 2)
    strength: tuple[int, ...] = (KEYFRAMES,)
    truth: tuple[int, ...] = (3, _PIECE, _PIECE)
    holds: tuple[int, ...] = (KEYFRAMES, 1, _PIECE // 2, _PIECE // 2)


@dataclass(frozen=True, slots=True)
class Pieces:
    """A batch: what is known, the truth [N, 3, H, W], and ``holds`` [N, K, 1, H/2, W/2] in 0..1."""

    known: FusionInput
    truth: torch.Tensor
    holds: torch.Tensor


def build(
    folder: Path,
    engine: LiteEngine,
    material: Material,
    seed: int,
    count: int,
    progress: Callable[[int], None] = lambda done: None,
    precision: str = "float32",
) -> None:
    """Write ``count`` pieces to ``folder``; scenes that are there already are kept, so a broken run goes on."""
    settings = EngineSettings(scale=SCALE, precision=precision)
    folder.mkdir(parents=True, exist_ok=True)
    scenes_wanted = -(-count // _PIECES_A_SCENE)
    for number in range(scenes_wanted):
        path = folder / f"{number:05}.npy"
        if not path.exists():
            random = np.random.default_rng((seed, number))
            part = path.with_suffix(".part.npy")
            np.save(part, _scene(engine, settings, scenes.draw(material, random), random))
            part.rename(path)
        progress((number + 1) * _PIECES_A_SCENE)
    (folder / "layout.json").write_text(json.dumps(asdict(Layout())), encoding="utf-8")


def _scene(
    engine: LiteEngine, settings: EngineSettings, scene: scenes.Scene, random: _Random
) -> npt.NDArray[np.float16]:
    """[pieces, values] of one scene."""
    pictures = torch.cat([scene.frame, *scene.keyframes])
    low = reduce_clean(pictures, SCALE, random).reshape(-1, 3, pictures.shape[1] // SCALE, pictures.shape[2] // SCALE)
    latents = engine.encode_source([WindowFrame(0, low[0])], settings, Watch())
    whole = _whole(engine, settings, scene, latents, low, random)
    height, width = scene.frame.shape[1:]
    pieces = []
    for _ in range(_PIECES_A_SCENE):
        y, x = (int(random.integers(0, (side - _PIECE) // 4 + 1)) * 4 for side in (height, width))
        pieces.append(_flat(whole, y, x))
    return np.stack(pieces)


def _whole(
    engine: LiteEngine,
    settings: EngineSettings,
    scene: scenes.Scene,
    latents: SourceLatents,
    low: torch.Tensor,
    random: _Random,
) -> Pieces:
    moved, holds = [], []
    truth = scene.frame
    kinds = [spoil.draw(random) for _ in scene.keyframes]
    for index, true in enumerate(scene.keyframes):
        own = engine.encode_keyframe(true, low[index + 1], settings, Watch())
        picture = spoil.apply(kinds[index], spoil.Scene(true, own.blind, scene.foreign), random)
        known = engine.encode_keyframe(picture, low[index + 1], settings, Watch())
        flow = motion.measure(latents.gray, known.gray)
        moved.append(handmade.move(latents, Keyframe(index + 1, known), flow))
        honest = handmade.move(latents, Keyframe(index + 1, own), flow).carried.proposal(0.0)
        holds.append(_holds(honest, latents.blind, scene.frame))
    if "hallucinated" in kinds and all(kind == "hallucinated" for kind in kinds):
        truth = spoil.hallucinated(latents.blind)
    known_input = fusion.known_of(latents, moved)
    return _filled(Pieces(known_input, truth.unsqueeze(0), torch.stack(holds).unsqueeze(0)))


def _holds(keyed: torch.Tensor, blind: torch.Tensor, truth: torch.Tensor) -> torch.Tensor:
    """[1, H/2, W/2]: the share that true detail deserves beside the blind result, by their errors around a pixel."""
    errors = torch.cat([(one - truth).square().mean(dim=0, keepdim=True) for one in (keyed, blind)])
    smooth = blur(errors, 3.0) + 1e-6
    share = smooth[1:] / (smooth[:1] + smooth[1:])
    return torch.nn.functional.avg_pool2d(share, 2)


def _filled(pieces: Pieces) -> Pieces:
    """With ``KEYFRAMES`` keyframes, of which those that are not there have strength 0."""
    missing = KEYFRAMES - pieces.known.strength.shape[1]
    if missing == 0:
        return pieces

    def more(value: torch.Tensor) -> torch.Tensor:
        return torch.cat([value, torch.zeros_like(value[:, :1])], dim=1)

    known = pieces.known
    full = FusionInput(
        known.blind,
        known.contrast,
        torch.cat([known.keyed, known.blind.unsqueeze(1)], dim=1),
        more(known.unlike),
        more(known.disagreement),
        more(known.motion),
        more(known.agreement),
        more(known.strength),
    )
    return Pieces(full, pieces.truth, more(pieces.holds))


def _flat(whole: Pieces, y: int, x: int) -> npt.NDArray[np.float16]:
    values = {field.name: getattr(whole.known, field.name) for field in fields(FusionInput)}
    values |= {"truth": whole.truth, "holds": whole.holds}
    parts = []
    for name, shape in asdict(Layout()).items():
        value = values[name][0]
        if len(shape) > 1:
            step = _PIECE // shape[-1]
            value = value[..., y // step : y // step + shape[-2], x // step : x // step + shape[-1]]
        parts.append(value.to(torch.float16).reshape(-1).numpy())
    return np.concatenate(parts)


class PieceData(Dataset[Pieces]):
    """Batches of the pieces in ``folder``; the batch of a step depends on the seed and the step alone."""

    def __init__(self, folder: Path, seed: int, steps: int, batch: int) -> None:
        self._files = sorted(folder.glob("[0-9]*[0-9].npy"))
        if not self._files:
            raise FileNotFoundError(f"expected pieces in {folder}, found none")
        self._seed, self._steps, self._batch = seed, steps, batch

    def __len__(self) -> int:
        return self._steps

    def __getitem__(self, step: int) -> Pieces:
        """The batch of ``step``."""
        random = np.random.default_rng((self._seed, step))
        chosen = random.integers(0, len(self._files) * _PIECES_A_SCENE, self._batch)
        flat = np.stack([self._piece(int(number)) for number in chosen])
        return _turned(_unpacked(torch.from_numpy(flat)), random)

    def _piece(self, number: int) -> npt.NDArray[np.float16]:
        file = np.load(self._files[number // _PIECES_A_SCENE], mmap_mode="r", allow_pickle=False)
        return np.asarray(file[number % _PIECES_A_SCENE])


def _unpacked(flat: torch.Tensor) -> dict[str, torch.Tensor]:
    values, start = {}, 0
    for name, shape in asdict(Layout()).items():
        size = int(np.prod(shape))
        values[name] = flat[:, start : start + size].reshape(-1, *shape).float()
        start += size
    return values


def _turned(values: dict[str, torch.Tensor], random: _Random) -> Pieces:
    axes = [axis for axis in (-1, -2) if random.random() < 0.5]
    swap = random.random() < 0.5
    turned = {}
    for name, value in values.items():
        if name != "strength":
            value = value.flip(axes) if axes else value
            value = value.transpose(-1, -2) if swap else value
        turned[name] = value.contiguous()
    known = FusionInput(**{field.name: turned[field.name] for field in fields(FusionInput)})
    return Pieces(known, turned["truth"], turned["holds"])
