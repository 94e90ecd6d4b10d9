"""Videos in and out: exact colours, exact frames, times, sound, and what is refused."""

from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.video import reformatter
from av.video.frame import PictureType
from av.video.reformatter import ColorRange

from sparkvsr.color import Transfer
from sparkvsr.frames import Depth, Frame, Premultiplication
from sparkvsr.media import (
    MediaNotFoundError,
    MissingFrameError,
    UnreadableMediaError,
    UnsupportedMediaError,
    VideoClip,
    yuv,
)
from sparkvsr.media.errors import WriteFailedError
from sparkvsr.media.sound import SoundSource
from sparkvsr.media.video_writer import VideoOptions, video_writer
from sparkvsr.media.yuv import Matrix, VideoColor, color_of, from_rgb, to_rgb

BT709 = VideoColor(Matrix.ITU709, full_range=False)
KR, KB = 0.2126, 0.0722


def numbered(number: int, size: tuple[int, int] = (48, 64), deep: bool = False) -> Frame:
    """A flat picture whose grey says its number, with a red half."""
    grey = (number * 5) % 250
    pixels = np.full((*size, 3), grey, np.uint8)
    pixels[:, size[1] // 2 :] = (grey, 255 - grey, 128)
    if deep:
        pixels = pixels.astype(np.uint16) * 257
    return Frame.from_numpy(pixels, Premultiplication.OPAQUE)


def grey_of(frame: Frame) -> float:
    pixels = frame.numpy()[:, : frame.format.width // 2 - 8]
    return float(pixels.mean()) / (257 if pixels.dtype == np.uint16 else 1)


def write_clip(path: Path, count: int = 30, rate: Fraction = Fraction(25), **options: Any) -> None:
    deep = options.get("bits", 8) > 8
    with video_writer(path, VideoOptions(rate=rate, **options), 64, 48) as writer:
        for number in range(count):
            writer.write(number, numbered(number, deep=deep))


def write_yuv(path: Path, planes: tuple[int, int, int], pixel_format: str, bits: int, **tags: Any) -> None:
    """A lossless file with flat planes of these code values."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=25)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixel_format
        for name, value in tags.items():
            setattr(stream.codec_context, name, value)
        frame = av.VideoFrame(64, 48, pixel_format)
        for plane, value in zip(frame.planes, planes, strict=True):
            samples = np.full(plane.buffer_size // (1 if bits == 8 else 2), value, np.uint8 if bits == 8 else np.uint16)
            plane.update(samples.tobytes())
        for name, value in tags.items():
            setattr(frame, name, value)
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


def expected_rgb(planes: tuple[int, int, int], bits: int, full: bool, kr: float, kb: float) -> np.ndarray[Any, Any]:
    step = 2 ** (bits - 8)
    y, cb, cr = planes
    if full:
        luma, blue, red = y / (2**bits - 1), (cb - 128 * step) / (2**bits - 1), (cr - 128 * step) / (2**bits - 1)
    else:
        luma, blue, red = (y / step - 16) / 219, (cb / step - 128) / 224, (cr / step - 128) / 224
    r, b = luma + 2 * (1 - kr) * red, luma + 2 * (1 - kb) * blue
    return np.clip([r, (luma - kr * r - kb * b) / (1 - kr - kb), b], 0, 1)


@pytest.mark.parametrize("code", [(235, 128, 128), (16, 128, 128), (100, 90, 150), (180, 140, 100)])
@pytest.mark.parametrize(
    ("pixel_format", "bits"), [("yuv420p", 8), ("yuv444p", 8), ("yuv420p10le", 10), ("yuv422p12le", 12)]
)
@pytest.mark.parametrize("full", [False, True])
@pytest.mark.parametrize(
    ("matrix", "weights"),
    [(Matrix.ITU709, (KR, KB)), (Matrix.ITU601, (0.299, 0.114)), (Matrix.BT2020, (0.2627, 0.0593))],
)
def test_matrix_and_range_are_exact(
    tmp_path: Path,
    code: tuple[int, int, int],
    pixel_format: str,
    bits: int,
    full: bool,
    matrix: Matrix,
    weights: tuple[float, float],
) -> None:
    planes = tuple(value << (bits - 8) for value in code)
    path = tmp_path / "a.mkv"
    write_yuv(
        path, planes, pixel_format, bits, colorspace=matrix, color_range=ColorRange.JPEG if full else ColorRange.MPEG
    )
    frame = VideoClip(path).read(0)
    white = frame.format.depth.white
    assert frame.format.depth is (Depth.BYTE if bits == 8 else Depth.SHORT)
    tolerance = 0.8 / 255 if bits == 8 else 1 / 65535
    np.testing.assert_allclose(
        frame.numpy()[20, 20] / white, expected_rgb(planes, bits, full, *weights), atol=tolerance
    )


def test_untagged_video_is_601_below_720_lines_and_709_from_there() -> None:
    assert color_of(2, False, 2, 2, 576).matrix is Matrix.ITU601
    assert color_of(2, False, 2, 2, 720).matrix is Matrix.ITU709
    with pytest.raises(UnsupportedMediaError, match=r"H\.273 code 14"):
        color_of(14, False, 9, 16, 2160)


def test_hdr_video_says_its_transfer() -> None:
    assert VideoColor(Matrix.BT2020, False, 9, 16).transfer is Transfer.PQ
    assert VideoColor(Matrix.BT2020, False, 9, 18).transfer is Transfer.HLG
    assert BT709.transfer is Transfer.SRGB


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
@pytest.mark.parametrize("full", [False, True])
def test_rgb_to_yuv_and_back(dtype: str, full: bool) -> None:
    color = VideoColor(Matrix.ITU709, full)
    scale = 1 if dtype == "uint8" else 257
    pixels = np.zeros((32, 32, 3), dtype)
    pixels[:] = np.array([200, 30, 90]) * scale
    frame = from_rgb(pixels, "yuv444p" if dtype == "uint8" else "yuv444p10le", color)
    found = to_rgb(frame, color)
    np.testing.assert_allclose(
        found.astype(float) / scale, pixels.astype(float) / scale, atol=2 if dtype == "uint8" else 0.6
    )


def write_groups(path: Path, entries: list[int], count: int) -> None:
    """A video whose I-frames are where they are wanted, and nowhere else."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"bf": "2", "sc_threshold": "0", "g": "1000"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(count):
            frame = av.VideoFrame.from_ndarray(numbered(number).numpy(), format="rgb24")
            frame.pict_type = PictureType.I if number in entries else PictureType.NONE
            container.mux(stream.encode(frame))
        container.mux(stream.encode())


def test_iframes_are_found_where_they_are(tmp_path: Path) -> None:
    write_groups(tmp_path / "a.mp4", [0, 7, 18, 19], 30)
    clip = VideoClip(tmp_path / "a.mp4")
    assert clip.iframes() == (0, 7, 18, 19)
    np.testing.assert_allclose(grey_of(clip.read(18)), (18 * 5) % 250, atol=3)


def test_of_intra_video_every_frame_is_an_iframe(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mov", 6, codec="prores", chroma="422", bits=10)
    assert VideoClip(tmp_path / "a.mov").iframes() == tuple(range(6))


def test_every_frame_in_any_order(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", 130)
    clip = VideoClip(tmp_path / "a.mp4", window_bytes=1)
    assert clip.numbers == range(130)
    order = [129, 0, 64, 63, 65, 1, 100, 99, 128, 2]
    found = [grey_of(clip.read(number)) for number in order]
    np.testing.assert_allclose(found, [(number * 5) % 250 for number in order], atol=2.5)
    assert clip.window.held_bytes == clip.info.layout.nbytes


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"bf": "3"}),
        ("a.mkv", "libx264", {"x264-params": "open-gop=1:bframes=3"}),
        ("a.ts", "libx264", {"bf": "2"}),
        ("a.avi", "mpeg4", {}),
        ("a.mpg", "mpeg2video", {"bf": "2"}),
        ("a.webm", "libvpx-vp9", {"cpu-used": "8", "deadline": "realtime"}),
    ],
)
def test_seeking_finds_the_very_frame(tmp_path: Path, name: str, codec: str, options: dict[str, str]) -> None:
    with av.open(str(tmp_path / name), "w") as container:
        stream = container.add_stream(codec, rate=25, options=options)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", 12
        stream.bit_rate = 2_000_000
        for number in range(80):
            frame = from_rgb(numbered(number).numpy(), "yuv420p", BT709)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    forward = VideoClip(tmp_path / name)
    assert forward.numbers == range(80)
    in_order = [forward.read(number).numpy() for number in forward.numbers]
    np.testing.assert_allclose(grey_of(forward.read(70)), 350 % 250, atol=6)
    clip = VideoClip(tmp_path / name, window_bytes=1)
    for number in (79, 0, 61, 12, 11, 13, 78, 3):
        np.testing.assert_array_equal(clip.read(number).numpy(), in_order[number])


def test_a_frame_outside_is_an_error(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", 5)
    clip = VideoClip(tmp_path / "a.mp4")
    for number in (-1, 5):
        with pytest.raises(MissingFrameError, match=r"expected 0-4, found"):
            clip.read(number)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp4", {"chroma": "444"}),
        ("a.mp4", {"bits": 10}),
        ("a.mov", {"codec": "prores", "bits": 10, "chroma": "422"}),
        ("a.mkv", {"codec": "ffv1", "chroma": "444"}),
        ("a.mp4", {"codec": "h265"}),
    ],
)
def test_codecs_keep_pixels_rate_and_tags(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    rate = Fraction(30000, 1001)
    write_clip(tmp_path / name, 8, rate, quality=6, **options)
    clip = VideoClip(tmp_path / name)
    assert clip.info.rate == rate
    assert clip.info.constant_rate
    assert len(clip.numbers) == 8
    assert (clip.color.matrix, clip.color.full_range, clip.color.primaries) == (Matrix.ITU709, False, 1)
    assert abs(grey_of(clip.read(7)) - 35) < 2


def test_variable_rate_keeps_its_times(tmp_path: Path) -> None:
    shown = [Fraction(ticks, 1000) for ticks in (0, 40, 80, 200, 233, 400)]
    with video_writer(tmp_path / "a.mp4", VideoOptions(rate=Fraction(25)), 64, 48) as writer:
        for number, seconds in enumerate(shown):
            writer.write(number, numbered(number), seconds + 5)
    clip = VideoClip(tmp_path / "a.mp4")
    assert not clip.info.constant_rate
    found = [clip.seconds(number) for number in clip.numbers]
    np.testing.assert_allclose([float(value or 0) for value in found], [float(value) for value in shown], atol=0.0001)


def add_sound(path: Path, source: Path, start: float) -> None:
    """Mux 2 s of silence beside the video."""
    with av.open(str(path)) as video, av.open(str(source), "w") as target:
        stream = target.add_stream_from_template(video.streams.video[0])
        sound = target.add_stream("aac", rate=48000)
        for packet in video.demux(video.streams.video[0]):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
        for index in range(90):
            frame = av.AudioFrame(format="fltp", layout="mono", samples=1024)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.sample_rate, frame.pts, frame.time_base = 48000, 1024 * index, Fraction(1, 48000)
            target.mux(sound.encode(frame))
        target.mux(sound.encode())


def test_sound_is_copied_and_cut_to_the_range(tmp_path: Path) -> None:
    write_clip(tmp_path / "silent.mp4", 50)
    add_sound(tmp_path / "silent.mp4", tmp_path / "a.mp4", 0)
    clip = VideoClip(tmp_path / "a.mp4")
    source = SoundSource(tmp_path / "a.mp4", clip.index.origin_seconds)
    with video_writer(tmp_path / "b.mp4", VideoOptions(rate=Fraction(25), sound=source), 64, 48) as writer:
        for number in range(10, 35):
            writer.write(number, clip.read(number), clip.seconds(number))
    assert writer.notices == []
    with av.open(str(tmp_path / "b.mp4")) as container:
        times = [
            float(packet.pts * packet.time_base)
            for packet in container.demux(container.streams.audio[0])
            if packet.size
        ]
    assert len(VideoClip(tmp_path / "b.mp4").numbers) == 25
    assert 0 <= times[0] < 0.03
    assert 0.95 < times[-1] < 1.0


def test_nothing_is_left_of_a_broken_writing(tmp_path: Path) -> None:
    def write_and_fail() -> None:
        with video_writer(tmp_path / "new" / "a.mp4", VideoOptions(rate=Fraction(25)), 64, 48) as writer:
            writer.write(0, numbered(0))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_and_fail()
    assert not list((tmp_path / "new").iterdir())
    with (
        pytest.raises(WriteFailedError, match=r"at least one frame"),
        video_writer(tmp_path / "a.mp4", VideoOptions(rate=Fraction(25)), 64, 48),
    ):
        pass
    assert [entry.name for entry in tmp_path.iterdir()] == ["new"]


@pytest.mark.parametrize(
    ("name", "options", "size", "words"),
    [
        ("a.mp4", {"codec": "vp9"}, (64, 48), r"expected h264 h265 prores ffv1, found vp9"),
        ("a.mp4", {"codec": "ffv1"}, (64, 48), r"expected \.mkv, found \.mp4"),
        ("a.mov", {"codec": "prores", "bits": 8}, (64, 48), r"expected 422 with 10 bits"),
        ("a.mp4", {}, (63, 48), r"take --chroma 444"),
        ("a.mp4", {"chroma": "422"}, (63, 48), r"even size"),
    ],
)
def test_unfit_options_are_refused_before_anything_is_made(
    tmp_path: Path, name: str, options: dict[str, Any], size: tuple[int, int], words: str
) -> None:
    with (
        pytest.raises(UnsupportedMediaError, match=words),
        video_writer(tmp_path / name, VideoOptions(rate=Fraction(25), **options), *size),
    ):
        pass
    assert not list(tmp_path.iterdir())


def test_wrong_frames_are_refused(tmp_path: Path) -> None:
    def write(frame: Frame) -> None:
        with video_writer(tmp_path / "a.mp4", VideoOptions(rate=Fraction(25)), 64, 48) as writer:
            writer.write(0, frame)

    with pytest.raises(UnsupportedMediaError, match=r"frame size"):
        write(numbered(0, (48, 32)))
    with pytest.raises(UnsupportedMediaError, match=r"expected byte, found short"):
        write(numbered(0, deep=True))


def test_missing_and_damaged_videos_have_names(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFoundError):
        VideoClip(tmp_path / "none.mp4")
    (tmp_path / "bad.mp4").write_bytes(b"x" * 4000)
    with pytest.raises(UnreadableMediaError, match=r"not a video"):
        VideoClip(tmp_path / "bad.mp4")


def test_a_turned_video_is_upright(tmp_path: Path) -> None:
    write_clip(tmp_path / "a.mp4", 3)
    with av.open(str(tmp_path / "a.mp4")) as video, av.open(str(tmp_path / "b.mp4"), "w") as target:
        stream = target.add_stream_from_template(video.streams.video[0])
        stream.set_display_rotation(90)
        for packet in video.demux(video.streams.video[0]):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    clip = VideoClip(tmp_path / "b.mp4")
    assert (clip.info.layout.width, clip.info.layout.height) == (48, 64)


def test_our_numbers_are_those_that_pyav_has_names_for() -> None:
    for ours, theirs in ((yuv._Scaler, reformatter.Interpolation), (yuv.Matrix, reformatter.Colorspace)):
        known = {member.name: member.value for member in ours if hasattr(theirs, str(member.name))}
        assert known
        assert {name: int(getattr(theirs, str(name))) for name in known} == known
