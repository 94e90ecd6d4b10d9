"""Parts of the 5B engine that need no network: sizes, tiles, slots, options, highlights, colour."""

import ast
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

import sparkvsr.cogvideox
from sparkvsr.cogvideox import highlights
from sparkvsr.cogvideox.geometry import Padding, latent_length, latent_of, padded_length, tokens
from sparkvsr.cogvideox.lowband import corrected, low_band
from sparkvsr.cogvideox.options import EngineOptions, overlap_of, parse_options
from sparkvsr.cogvideox.reference import place
from sparkvsr.cogvideox.tiles import parts_of, tiles_of
from sparkvsr.cogvideox.video import network_video
from sparkvsr.engine import UnsupportedSettingError

CPU = torch.device("cpu")


# --- what is optional ------------------------------------------------------------------------------------------------


def test_nothing_optional_is_imported_before_it_is_needed() -> None:
    """The package, the registry and the command line work without the extra."""
    folder = Path(sparkvsr.cogvideox.__file__).parent
    for path in sorted(folder.glob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert not {"diffusers", "safetensors", "huggingface_hub", "transformers"} & {
                name.partition(".")[0] for name in names
            }, path.name


# --- sizes -----------------------------------------------------------------------------------------------------------


@given(height=st.integers(1, 5000), width=st.integers(1, 9000))
def test_padding_is_the_least_that_makes_latent_sides_even(height: int, width: int) -> None:
    padding = Padding(height, width)
    for side, padded, latent in zip((height, width), padding.padded, padding.latent, strict=True):
        assert padded % 16 == 0
        assert 0 <= padded - side < 16
        assert latent * 8 == padded
        assert latent % 2 == 0


@given(frames=st.integers(1, 500))
def test_lengths_are_8n_plus_1(frames: int) -> None:
    length = padded_length(frames)
    assert (length - 1) % 8 == 0
    assert 0 <= length - frames < 8
    assert latent_length(length) == latent_of(length - 1) + 1


def test_the_traps_of_the_reference_are_no_traps_here() -> None:
    assert Padding(1080, 1920).padded == (1088, 1920)  # 1080 / 8 = 135 is odd
    assert [padded_length(frames) for frames in (1, 2, 9, 10, 33, 34)] == [1, 9, 9, 17, 33, 41]
    assert [latent_of(frame) for frame in range(10)] == [0, 1, 1, 1, 1, 2, 2, 2, 2, 3]
    assert tokens(9, 136, 240) == 40_800  # 33 frames of 1088 × 1920
    with pytest.raises(ValueError, match="expected 4n"):
        latent_length(4)
    with pytest.raises(ValueError, match="at least one frame"):
        padded_length(0)


@given(
    size=st.tuples(st.integers(1, 40), st.integers(1, 40)),
    frames=st.integers(1, 11),
    scale=st.integers(1, 4),
)
def test_the_video_shows_the_frames_and_repeats_its_edges(size: tuple[int, int], frames: int, scale: int) -> None:
    shades = [torch.full((3, *size), index / 16) for index in range(frames)]
    video = network_video(shades, scale, torch.float32)
    assert video.shape == (padded_length(frames), 3, *Padding(size[0] * scale, size[1] * scale).padded)
    expected = torch.tensor([min(index, frames - 1) / 16 for index in range(video.shape[0])])
    assert torch.allclose(video, expected.view(-1, 1, 1, 1), atol=1e-6)


# --- tiles -----------------------------------------------------------------------------------------------------------


@given(
    length=st.integers(1, 200).map(lambda n: 2 * n),
    size=st.integers(8, 64).map(lambda n: 2 * n),
    quarter=st.integers(0, 8),
    step=st.integers(1, 3),
)
def test_weights_of_parts_sum_to_one_everywhere(length: int, size: int, quarter: int, step: int) -> None:
    overlap = size // 4 // 8 * quarter // 2 * 2
    parts = parts_of(length, size, overlap)
    total = [0.0] * (length * step)
    for part in parts:
        assert part.first % 2 == 0
        assert part.last - part.first == min(size, length)
        for place_, weight in enumerate(part.weights(step), start=part.first * step):
            assert 0.0 <= weight <= 1.0
            total[place_] += weight
    assert total == pytest.approx([1.0] * (length * step))


def test_a_tile_is_the_product_of_its_sides() -> None:
    tiles = tiles_of((32, 48), 32, 8)
    assert [(tile.rows(8), tile.columns(8)) for tile in tiles] == [
        (slice(0, 256), slice(0, 256)),
        (slice(0, 256), slice(128, 384)),
    ]
    total = torch.zeros(32, 48)
    for tile in tiles:
        total[tile.rows(1), tile.columns(1)] += tile.weight(1, CPU)
    assert torch.allclose(total, torch.ones(32, 48))
    assert len(tiles_of((32, 48), 0, 0)) == 1


@pytest.mark.parametrize(
    ("length", "size", "overlap"), [(41, 16, 4), (40, 17, 4), (40, 16, 5), (40, 16, 6), (40, 16, -2)]
)
def test_parts_that_cannot_be_laid_are_refused(length: int, size: int, overlap: int) -> None:
    with pytest.raises(ValueError, match="expected even numbers"):
        parts_of(length, size, overlap)


# --- slots -----------------------------------------------------------------------------------------------------------


def placed(offsets: list[int], frames: int, borrow: bool = True) -> list[tuple[int, int, bool]]:
    return [(one.offset, one.slot, one.is_exact) for one in place(offsets, frames, borrow)]


def test_keyframes_take_the_nearest_slot() -> None:
    assert placed([0, 8, 32], 33) == [(0, 0, True), (8, 2, True), (32, 8, True)]
    assert placed([3, 9, 30], 33) == [(3, 1, False), (9, 2, False), (30, 7, False)]
    assert placed([10], 11) == [(10, 2, False)]  # frame 12 is not there


def test_of_two_in_a_slot_the_nearer_counts() -> None:
    assert placed([7, 9], 33) == [(7, 2, False)]
    assert placed([7, 8, 9], 33) == [(8, 2, True)]


def test_keyframes_outside_count_where_none_lies_inside() -> None:
    assert placed([-10, 50], 33) == [(-10, 0, False), (50, 8, False)]
    assert placed([-10, 5, 50], 33) == [(5, 1, False)]
    assert placed([-10, 50], 33, borrow=False) == []


# --- options ---------------------------------------------------------------------------------------------------------


def test_options_are_written_out_in_full_and_read_back() -> None:
    assert str(EngineOptions()) == (
        "dtype=auto,tile=auto,vae=512,chunk=33,color=on,gate=on,borrow=on,channels=first,compile=off"
    )
    chosen = parse_options("tile=768,color=off,dtype=float16,vae=0,borrow=off,chunk=49,compile=all,channels=last")
    assert chosen == EngineOptions("float16", 768, 0, 49, False, True, False, "last", "all")
    assert parse_options(str(chosen)) == chosen
    assert parse_options("") == EngineOptions()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tiles=768", "expected engine options like .*found 'tiles=768'"),
        ("gate", "found 'gate'"),
        ("gate=maybe", r"expected gate=on\|off, found 'maybe'"),
        ("tile=100", "expected tile=auto, 0 .*found '100'"),
        ("vae=auto", "expected vae=0 .*found 'auto'"),
        ("dtype=int8", "found 'int8'"),
        ("gate=on,gate=off", "gate twice"),
        ("chunk=41", r"expected chunk=33\|49, found '41'"),
        ("channels=middle", r"expected channels=first\|last"),
        ("compile=on", r"expected compile=off\|transformer\|all, found 'on'"),
    ],
)
def test_bad_options_are_refused_by_name(text: str, message: str) -> None:
    with pytest.raises(UnsupportedSettingError, match=message):
        parse_options(text)


def test_what_is_automatic_depends_on_the_picture_and_the_kind_of_device_only() -> None:
    options = EngineOptions()
    assert options.tile_for(1088, 1920) == 0
    assert options.tile_for(2160, 3840) == 1024
    assert parse_options("tile=0").tile_for(2160, 3840) == 0
    cuda = torch.device("cuda", 0)
    assert options.arithmetic(CPU, "float32") == torch.float32
    assert options.arithmetic(CPU, "bfloat16") == torch.bfloat16
    assert options.arithmetic(cuda, "float32") == torch.bfloat16
    assert parse_options("dtype=float32").arithmetic(cuda, "bfloat16") == torch.float32
    assert [str(options.resolved(device))[:14] for device in (CPU, cuda)] == ["dtype=float32,", "dtype=bfloat16"]


@given(tile=st.integers(2, 64).map(lambda n: 64 * n))
def test_every_tile_has_an_overlap_that_tiles_can_have(tile: int) -> None:
    overlap = overlap_of(tile)
    assert overlap % 16 == 0
    assert tile // 16 <= overlap <= tile // 4


# --- highlights and colour -------------------------------------------------------------------------------------------


def random_picture(seed: int, *size: int) -> torch.Tensor:
    return torch.rand((3, *size), generator=torch.Generator().manual_seed(seed))


def test_an_ordinary_picture_has_no_excess() -> None:
    picture = random_picture(0, 5, 7)
    base, excess = highlights.split(picture)
    assert excess is None
    assert torch.equal(base, picture)
    assert highlights.join(base, None) is base


def test_what_is_outside_comes_back_where_the_base_is_bright_or_dark() -> None:
    picture = torch.full((3, 8, 8), 0.25)
    picture[:, 2:6, 2:6] = 3.5
    picture[:, 7, :] = -0.5
    base, excess = highlights.split(picture)
    assert float(base.min()) == 0.0
    assert float(base.max()) == 1.0
    assert excess is not None
    assert torch.equal(highlights.join(base, excess), picture)


def test_highlights_leave_no_glow_outside_a_sharper_base() -> None:
    """The excess is blurred by its enlargement; the base says where the lamp ends."""
    excess = torch.zeros((3, 8, 8))
    excess[:, :, 4:] = 2.0
    base = torch.full((3, 32, 32), 0.3)
    base[:, :, 16:] = 1.0
    joined = highlights.join(base, excess)
    assert torch.equal(joined[:, :, :16], base[:, :, :16])
    assert float(joined[:, :, 24:].min()) == pytest.approx(3.0, abs=0.1)


@given(shift=st.floats(-0.3, 0.3), size=st.tuples(st.integers(3, 150), st.integers(3, 150)))
def test_a_cast_of_colour_is_taken_away(shift: float, size: tuple[int, int]) -> None:
    truth = random_picture(1, *size)
    wanted = low_band(truth, size)
    cast = truth + torch.tensor([shift, 0.0, -shift]).view(3, 1, 1)
    assert torch.allclose(corrected(cast, wanted, None), truth, atol=1e-5)
    half = torch.full((1, 2, 2), 0.5)
    assert torch.allclose(corrected(cast, wanted, half), (cast + truth) / 2, atol=1e-5)


def test_detail_is_left_alone() -> None:
    flat, detail = torch.full((3, 96, 96), 0.5), torch.zeros((3, 96, 96))
    detail[:, ::2] = 0.1
    detail[:, 1::2] = -0.1
    assert torch.allclose(corrected(flat + detail, low_band(flat, (96, 96)), None), flat + detail, atol=1e-5)
