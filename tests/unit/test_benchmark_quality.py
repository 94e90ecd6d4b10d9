"""What the quality benchmark says is what was measured: means, verdicts, tables, samples, and the tool as a whole."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from support import small_clip

import quality_lite
import speed_lite
from quality import acceptance, experiments, lineup, measures, plots, tables
from quality.clips import Clip, Recent, listed, reduce
from quality.keyframe_kinds import IMPERFECT, ISR, TRUE, WRONG
from quality.records import Book, Figures, Record
from rrdbnet import RRDBNet
from sparkvsr.lite.network import BlindNetwork, FusionNetwork

BASE = Record("a", "bi", "@20", lineup.KEYED, TRUE, 1, 1, "psnr", 30.0)


def test_recent_forgets_what_was_asked_for_longest_ago() -> None:
    made: list[int] = []

    def ask(key: int) -> int:
        return recent.get(key, lambda: made.append(key) or key)

    recent: Recent[int, int] = Recent(2)
    for key in (1, 2, 1, 3, 1, 2):
        assert ask(key) == key
    assert made == [1, 2, 3, 2]


def test_bd_samples_the_centre_of_each_block() -> None:
    ramp = 2 * torch.arange(64.0).repeat(3, 64, 1) / 255
    inner = reduce(ramp, 4, "bd")[0, 8, 3:-3] * 255
    torch.testing.assert_close(inner, 2 * (torch.arange(12.0, 52.0, 4.0) + 1.5), atol=0.01, rtol=0)


def test_means_are_of_clips_not_of_frames() -> None:
    figures = Figures(
        [replace(BASE, clip=c, t=t, value=v) for c, t, v in [("a", 1, 1.0), ("a", 2, 3.0), ("b", 1, 8.0)]]
    )
    assert figures.by_clip() == {"a": 2.0, "b": 8.0}
    assert figures.mean() == 5.0


def test_differences_are_of_common_frames() -> None:
    first = Figures([replace(BASE, t=t, distance=t, value=10.0 * t) for t in (1, 2, 3)])
    second = Figures([replace(BASE, t=t, value=1.0) for t in (2, 3, 4)])
    over = first.over(second)
    assert over.by_clip() == {"a": 24.0}
    assert over.at(3, 9).mean() == 29.0
    assert not over.at(5, 9)
    assert [one.t for one in first.beside(second).records] == [2, 3]


def test_a_book_goes_on_where_it_ended_and_mixes_no_two_measurements(tmp_path: Path) -> None:
    path = tmp_path / "records.json"
    Book("plan", path).add("a bi", [BASE, replace(BASE, value=math.inf)])
    again = Book("plan", path)
    assert "a bi" in again
    assert again.figures().records == [BASE, replace(BASE, value=math.inf)]
    with pytest.raises(SystemExit, match="expected other, found plan"):
        Book("other", path)


def psnr(experiment: str, variant: str, value: float, kind: str = TRUE) -> list[Record]:
    return [
        replace(BASE, experiment=experiment, variant=variant, value=value, kind=kind, clip=clip) for clip in ("a", "b")
    ]


def perfect() -> list[Record]:
    """Figures with which every line passes."""
    blind, handmade = lineup.BLIND, lineup.HANDMADE
    found = [*psnr(blind, experiments.BICUBIC, 26.0), *psnr(blind, blind, 28.5)]
    for experiment in ("@20", "@10", experiments.ONE):
        found += [*psnr(experiment, handmade, 32.0), *psnr(experiment, lineup.KEYED, 32.5)]
    found += [one for kind in IMPERFECT for one in psnr("@10", lineup.KEYED, 31.5, kind)]
    found += [one for kind in WRONG for one in psnr("@20", lineup.KEYED, 28.5, kind)]
    found += [one for name in lineup.ABLATIONS for one in psnr("@20", name, 32.3)]
    found += [replace(BASE, experiment="@10", kind=ISR, measure="arrived", value=0.8)]
    for name, flicker in ((blind, 2.0), (lineup.KEYED, 1.5)):
        steady = replace(BASE, experiment=experiments.STEADY, variant=name)
        found.append(replace(steady, measure="flicker", value=flicker))
        found += [replace(steady, t=t, distance=t, measure="change", value=1.0) for t in range(4)]
    found.append(replace(BASE, experiment=experiments.OWN, measure="returned", value=math.inf))
    for measure in ("ssim", "haarpsi"):
        for rank, (experiment, name) in enumerate(
            ((blind, experiments.BICUBIC), (blind, blind), ("@20", lineup.KEYED))
        ):
            found.append(replace(BASE, experiment=experiment, variant=name, measure=measure, value=0.8 + 0.05 * rank))
    found += [replace(BASE, experiment=experiments.PRECISION, measure=m, value=60.0) for m in ("blind", "keyed")]
    return [*found, replace(BASE, experiment=experiments.SAME_BYTES, measure="same", value=1.0)]


def test_every_line_passes_where_all_is_well() -> None:
    lines = acceptance.judge(Figures(perfect()))
    assert len(lines) > 25
    assert [line for line in lines if line.passed is not True] == []


@pytest.mark.parametrize(
    ("which", "value", "words"),
    [
        ({"experiment": "blind", "variant": "blind", "measure": "psnr"}, 27.9, "blind over bicubic"),
        ({"experiment": "@20", "variant": "keyed", "kind": TRUE, "measure": "psnr"}, 32.2, "keyed @20 over hand-made"),
        ({"experiment": "@10", "variant": "keyed", "kind": TRUE, "measure": "psnr"}, 28.0, "keyed @10 over blind"),
        ({"experiment": "one", "variant": "keyed", "measure": "psnr"}, 32.2, "one keyframe 8 frames away over hand"),
        ({"kind": "graded 4 %", "measure": "psnr"}, 30.0, "graded 4 %"),
        ({"kind": "shifted 2 px", "measure": "psnr"}, 28.4, "shifted 2 px over blind"),
        ({"kind": ISR, "measure": "psnr"}, 28.3, "made by an ISR over blind"),
        ({"measure": "arrived"}, 0.6, "fine detail"),
        ({"kind": "mirrored", "measure": "psnr"}, 28.4, "mirrored"),
        ({"measure": "flicker", "variant": "keyed"}, 2.1, "warped difference − truth's|, keyed"),
        ({"measure": "change", "distance": 0, "variant": "keyed"}, 1.3, "at a keyframe over beside it"),
        ({"measure": "returned"}, 44.0, "own frame"),
        ({"measure": "haarpsi", "variant": "keyed"}, 0.82, "haarpsi"),
        ({"variant": lineup.NO_GATE}, 32.5, "gate"),
        ({"experiment": "precision", "measure": "keyed"}, 49.0, "agree, keyed"),
        ({"measure": "same"}, 0.0, "same bytes"),
    ],
)
def test_each_line_can_fail(which: dict[str, object], value: float, words: str) -> None:
    figures = Figures(perfect())
    spoilt = set(map(id, figures.where(**which).records))
    assert spoilt
    worse = Figures([replace(one, value=value) if id(one) in spoilt else one for one in figures.records])
    failed = [line.what for line in acceptance.judge(worse) if line.passed is False]
    assert any(words in what for what in failed), failed


def test_one_bad_clip_is_enough() -> None:
    bad = [
        replace(one, value=31.9)
        if (one.clip, one.experiment, one.variant, one.kind) == ("b", "@20", "keyed", TRUE)
        else one
        for one in perfect()
    ]
    better = [
        replace(one, value=36.0)
        if (one.clip, one.experiment, one.variant, one.kind) == ("a", "@20", "keyed", TRUE)
        else one
        for one in bad
    ]
    lines = {line.what: line for line in acceptance.judge(Figures(better))}
    line = next(line for what, line in lines.items() if "keyed @20 over hand-made" in what)
    assert line.passed is False
    assert "(b)" in line.found


def test_what_was_not_measured_passes_nothing() -> None:
    figures = Figures([*psnr(lineup.BLIND, lineup.BLIND, 28.5), *psnr(lineup.BLIND, experiments.BICUBIC, 26.0)])
    verdicts = {line.passed for line in acceptance.judge(figures)[1:]}
    assert verdicts == {None}


def test_markdown_goes_between_its_marks_and_leaves_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- tool -->\nold\n<!-- end of tool -->\nafter\n", encoding="utf-8")
    sheet = tables.Sheet("title", ["", "a|b"], [["x", "1"]])
    for _ in range(2):
        tables.write_markdown(page, "tool", sheet.markdown())
    written = page.read_text(encoding="utf-8")
    assert written.startswith("before\n<!-- tool -->\n\ntitle\n")
    assert written.endswith("\n<!-- end of tool -->\nafter\n")
    assert written.count("a\\|b") == 1
    assert "old" not in written


@pytest.mark.parametrize(("low", "high"), [(0.0, 1.0), (-3.2, 7.9), (28.41, 28.44), (5.0, 5.0)])
def test_axes_hold_their_values(low: float, high: float) -> None:
    bottom, top, step = plots.nice_range(low, high)
    assert bottom <= low <= high <= top + 1e-9
    assert 1 <= round((top - bottom) / step) <= 12


def test_detail_is_what_is_fine() -> None:
    fine = torch.zeros(3, 64, 64)
    fine[:, :, ::2] = 0.1
    smooth = torch.linspace(0, 0.1, 64).repeat(3, 64, 1)
    assert measures.detail_energy(fine) == pytest.approx(0.0025, rel=0.05)
    assert measures.detail_energy(smooth) < 1e-6


def test_steadiness_compares_changes_not_pictures() -> None:
    truth = [torch.from_numpy(one.transpose(2, 0, 1).copy()) for one in small_clip.truth(2, 96, 64)]
    moment = measures.Moment.of(lambda t: truth[t], 0)
    assert moment.flicker(*truth) == 0.0
    assert moment.change(*truth) == pytest.approx(1.0)
    brighter = [one + 0.1 for one in truth]
    assert moment.flicker(*brighter) < 0.01
    assert moment.flicker(truth[0], brighter[1]) == pytest.approx(25.5, rel=0.01)


def test_the_other_network_has_the_published_size() -> None:
    assert sum(one.numel() for one in RRDBNet().parameters()) == 16_697_987
    assert RRDBNet(8, 1, 4)(torch.rand(1, 3, 5, 7)).shape == (1, 3, 20, 28)


def write_video(path: Path, frames: list[np.ndarray]) -> None:
    height, width = frames[0].shape[:2]
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=Fraction(24))
        stream.width, stream.height, stream.pix_fmt = width, height, "bgr0"
        for frame in frames:
            picture = av.VideoFrame.from_ndarray(np.uint8(np.clip(frame * 255, 0, 255)), format="rgb24")
            container.mux(stream.encode(picture))
        container.mux(stream.encode(None))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    for name, seed in (("one", 7), ("two", 8)):
        write_video(folder / f"{name}.mkv", small_clip.truth(23, 64, 48, seed))
    (folder / "val.txt").write_text("one.mkv\ntwo.mkv\n", encoding="utf-8")
    return folder


def test_clips_are_those_listed_and_lend_each_other_frames(data: Path) -> None:
    assert [(one.path.stem, one.stranger.stem) for one in listed(data, None)] == [("one", "two"), ("two", "one")]
    assert [one.path.stem for one in listed(data, ["two"])] == ["two"]
    assert len(Clip(data / "one.mkv", 4, limit=5)) == 5
    with pytest.raises(SystemExit, match="found three"):
        listed(data, ["three"])


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_tool_measures_judges_and_writes(data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With networks that are not trained: those change nothing, so keyed has to equal hand-made to the last digit."""
    for name, network in (("blind", BlindNetwork()), ("fusion", FusionNetwork())):
        save_file(network.state_dict(), tmp_path / name)
    page = tmp_path / "page.md"
    given = f"--data {data} --clips one --quick --blind {tmp_path / 'blind'} --fusion {tmp_path / 'fusion'}"
    kept = f"--records {tmp_path / 'records.json'} --markdown {page} --plots {tmp_path} --crops {tmp_path / 'crops'}"
    assert quality_lite.main([*given.split(), *kept.split(), "--check"]) == 1
    figures = Book(*book_of(tmp_path / "records.json")).figures()
    keyed, handmade = (figures.where(variant=name, measure="psnr") for name in (lineup.KEYED, lineup.HANDMADE))
    assert keyed.names("kind") == [TRUE, *WRONG, *IMPERFECT]
    for experiment in ("@20", "@10", "one"):
        over = keyed.where(experiment=experiment, kind=TRUE).over(handmade.where(experiment=experiment, kind=TRUE))
        assert over.mean() == pytest.approx(0.0, abs=1e-3)
    lines = {line.what: line for line in acceptance.judge(figures)}
    assert lines["bi: same bytes again, in any order"].passed
    assert lines["bi: own frame, guidance 1, Paint: the keyframe"].found == "exact"
    assert lines["bi: the gate earns"].passed is False
    assert "| bi: blind over bicubic |" in page.read_text(encoding="utf-8")
    assert {path.name for path in tmp_path.glob("*.png")} == {"quality_distance.png", "quality_steady.png"}
    assert 1000 < (tmp_path / "crops" / "one.jpg").stat().st_size < 150_000
    assert "NOT MET" in capsys.readouterr().out


def test_the_speed_of_every_part_is_told(tmp_path: Path) -> None:
    for name, network in (("blind", BlindNetwork()), ("fusion", FusionNetwork())):
        save_file(network.state_dict(), tmp_path / name)
    given = f"--width 24 --height 16 --runs 1 --alone --blind {tmp_path / 'blind'} --fusion {tmp_path / 'fusion'}"
    whole, detail = speed_lite.speed_sheets(speed_lite.parse_arguments(given.split()))
    kinds = ("without keyframes", "between two keyframes")
    assert [row[0] for row in whole.rows] == [
        *(f"{what}, {precision}" for precision in ("float32", "bfloat16") for what in kinds),
        *(f"{what}, draft{more}" for what in kinds for more in ("", ": times as fast as full")),
    ]
    assert all(float(row[-1]) > 0 for row in whole.rows)
    parts = [row[0] for row in detail.rows]
    for part in ("blind part", "motion", "warps", "evidence", "fusion network", "decode", "sum"):
        assert any(name.startswith(part) for name in parts), part


def book_of(path: Path) -> tuple[str, Path]:
    return json.loads(path.read_text(encoding="utf-8"))["plan"], path
