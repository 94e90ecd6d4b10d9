"""Check and measure the CUDA half of the buffers on a machine with a GPU, in one call.

Checks: a shared memory ring is pinned in place; what CuPy wraps and DLPack shares is the slot itself; padded rows
travel both ways unchanged for every depth; an upload is ordered before what follows and a download after what came
before; the ring is unpinned before it is unmapped; the lite engine's tensors run on the device and agree with the
CPU. Then measures UHD uploads and downloads, pinned and not. Exits with 1 when a check fails.

    python benchmarks/gpu_buffers.py [--rounds N] [--no-engine]
"""

from __future__ import annotations

import argparse
import gc
import os
import secrets
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from statistics import median

import torch

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(REPOSITORY), str(REPOSITORY / "backend")]

from sparkvsr.frames import Depth, Frame, PixelFormat  # noqa: E402 - a plain checkout works too
from sparkvsr_backend.buffers import SHM_DIRECTORY, Segment  # noqa: E402
from sparkvsr_backend.buffers_cuda import CudaBridge, unavailable_reason  # noqa: E402

UHD = PixelFormat(3840, 2160, 4)
SLOTS = 4


def make_segment(slot_bytes: int, slots: int, bridge: CudaBridge | None) -> Segment:
    """A shared memory ring, as the link makes it; pinned when there is a bridge."""
    name = f"/sparkvsr-{secrets.token_hex(16)}"
    descriptor = os.open(SHM_DIRECTORY + name, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, slot_bytes * slots)
        return Segment.attach(name, slot_bytes, slots, bridge.pin if bridge else None)
    finally:
        os.close(descriptor)


def random_pixels(layout: PixelFormat) -> torch.Tensor:
    samples = torch.rand(layout.shape)
    if layout.depth in (Depth.HALF, Depth.FLOAT):
        return samples.to(layout.depth.torch_dtype)
    return (samples * layout.depth.white).to(torch.int32).to(layout.depth.torch_dtype)


# --- checks --------------------------------------------------------------------------------------------------------


def check_wrapping(bridge: CudaBridge) -> None:
    """What the device sees over the bus is the slot itself, in both directions."""
    layout = PixelFormat(61, 37, 4)
    slot = make_segment(1 << 20, 2, bridge).pixels(1, layout, layout.row_bytes + 64)
    slot.copy_(random_pixels(layout))
    mapped = bridge.mapped(slot)
    expect(mapped.device.type == "cuda", "a tensor of the device", mapped.device)
    expect(torch.equal(mapped.cpu(), slot), "the slot's samples", "others")
    mapped.mul_(2.0)
    torch.cuda.synchronize()
    expect(torch.equal(mapped.cpu(), slot), "writes by the device to arrive in the slot", "others")


def check_depths(bridge: CudaBridge) -> None:
    """Padded rows of every depth, there and back."""
    for depth in Depth:
        layout = PixelFormat(61, 37, 3, depth)
        segment = make_segment(1 << 20, 2, bridge)
        there = segment.pixels(0, layout, layout.row_bytes + 12 * depth.sample_bytes)
        pixels = random_pixels(layout)
        there.numpy()[...] = pixels.numpy()
        uploaded = bridge.upload(Frame(there, layout))
        expect(torch.equal(uploaded.pixels.cpu(), pixels), f"{depth.value} to arrive unchanged", "others")
        if depth in (Depth.HALF, Depth.FLOAT):
            back = segment.pixels(1, layout, layout.row_bytes + 4 * depth.sample_bytes)
            bridge.deliver(uploaded.pixels.permute(2, 0, 1).float(), None, layout, back)
            expect(torch.equal(back, pixels), f"{depth.value} to come back unchanged", "others")
        bridge.drain()


def check_order(bridge: CudaBridge) -> None:
    """Each sum belongs to the samples of its own round, though nobody waits in between."""
    segment = make_segment(UHD.nbytes, SLOTS, bridge)
    sums = []
    for number in range(16):
        slot = segment.pixels(number % SLOTS, UHD, UHD.row_bytes)
        if number >= SLOTS:
            bridge.drain()  # as the server does before it gives a slot back
        slot.fill_(number)
        sums.append(bridge.upload(Frame(slot, UHD)).pixels.double().mean())
    expect([round(float(one)) for one in sums] == list(range(16)), "each round's own samples", sums)
    planes = torch.zeros((4, UHD.height, UHD.width), device=bridge.device)
    out = segment.pixels(0, UHD, UHD.row_bytes)
    for number in range(8):
        for _ in range(20):
            planes.add_(0.05)
        bridge.deliver(planes[:3], planes[3:], UHD, out)
        expect(torch.allclose(out, torch.full_like(out, number + 1), atol=1e-3), number + 1, out.flatten()[:4])


def check_life(bridge: CudaBridge) -> None:
    """A ring is pinned once while it lives, and can be made again and again."""
    for _ in range(6):
        segment = make_segment(64 << 20, 2, bridge)
        slot = segment.pixels(0, PixelFormat(64, 64, 4), 1024)
        del segment
        gc.collect()
        slot.fill_(1.0)
        uploaded = bridge.upload(Frame(slot, PixelFormat(64, 64, 4)))
        expect(float(uploaded.pixels.sum()) == 64 * 64 * 4, "a slot that outlives its ring", "garbage")
        bridge.drain()
        del slot, uploaded
        gc.collect()
    torch.cuda.synchronize()


def check_engine(bridge: CudaBridge) -> None:
    """The whole loop with the lite engine: the device's picture is the CPU's, but for the last bits."""
    from sparkvsr.color import Transfer
    from sparkvsr.engine import default_registry
    from sparkvsr.frames import fingerprint
    from sparkvsr_backend.engine_loop import EngineLoop
    from sparkvsr_backend.requests import KeyframeUse, Picture, RenderRequest, Settings, Target

    source = Frame.from_numpy(torch.rand(135, 240, 3).numpy())
    hero = Frame.from_numpy(source.pixels.repeat_interleave(2, 0).repeat_interleave(2, 1).numpy())
    use = KeyframeUse(time=3, picture=Picture(fingerprint=fingerprint(hero)), source=fingerprint(source))
    request = RenderRequest(
        session="gpu",
        time=0,
        settings=Settings(engine="lite", scale=2, transfer=Transfer.SRGB),
        window=((0, fingerprint(source)),),
        keyframes=(use,),
        range=(0, 9),
        target=Target.whole(480, 270),
        output=PixelFormat(480, 270, 3),
    )
    results = []
    for device in ("cpu", str(bridge.device)):
        loop = EngineLoop(default_registry(), device)
        for frame in (source, hero):
            loop.frames.put(fingerprint(frame), frame)
        results.append(loop.render(request).frame.pixels)
    worst = float((results[0] - results[1]).abs().max())
    expect(worst < 2e-2, "the same picture within 0.02", worst)
    print(f"    largest difference between devices: {worst:.2e}")


def expect(fine: bool, expected: object, found: object) -> None:
    if not fine:
        raise AssertionError(f"expected {expected}, found {found}")


# --- measurements --------------------------------------------------------------------------------------------------


def measure(bridge: CudaBridge, rounds: int) -> None:
    pixels = random_pixels(UHD)
    planes = pixels.to(bridge.device).permute(2, 0, 1).contiguous()
    for name, pinning in (("pinned", bridge), ("pageable", None)):
        segment = make_segment(UHD.nbytes, 2, pinning)
        there, back = (segment.pixels(slot, UHD, UHD.row_bytes) for slot in (0, 1))
        there.copy_(pixels)
        show(f"upload, {name}", lambda slot=there: upload(bridge, slot), rounds)
        show(f"pack and download, {name}", lambda slot=back: bridge.deliver(planes[:3], planes[3:], UHD, slot), rounds)
        if pinning:
            show("read over the bus by a kernel", lambda slot=there: read_mapped(bridge, slot), rounds)
    show("memcpy on the host", lambda: back.copy_(there), rounds)


def upload(bridge: CudaBridge, slot: torch.Tensor) -> None:
    bridge.upload(Frame(slot, UHD))
    bridge.drain()


def read_mapped(bridge: CudaBridge, slot: torch.Tensor) -> None:
    bridge.mapped(slot).clone()
    torch.cuda.synchronize()


def show(name: str, work: Callable[[], object], rounds: int) -> None:
    times = []
    for number in range(rounds + 3):
        start = time.perf_counter()
        work()
        if number >= 3:
            times.append(time.perf_counter() - start)
    middle = median(times)
    print(f"    {name:32s} {middle * 1e3:8.2f} ms   {UHD.nbytes / middle / 1e9:6.1f} GB/s")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--no-engine", action="store_true", help="leave the lite engine out (it needs OpenCV)")
    options = parser.parse_args()
    reason = unavailable_reason()
    if reason:
        print(f"nothing to try here: {reason}")
        return 0
    bridge = CudaBridge(torch.device("cuda"))
    print(f"{torch.cuda.get_device_name(bridge.device)}, torch {torch.__version__}")
    checks = [check_wrapping, check_depths, check_order, check_life, *([] if options.no_engine else [check_engine])]
    failed = sum(not passes(check, bridge) for check in checks)
    measure(bridge, options.rounds)
    return 1 if failed else 0


def passes(check: Callable[[CudaBridge], None], bridge: CudaBridge) -> bool:
    try:
        check(bridge)
    except Exception:  # noqa: BLE001 - every check is to be tried, and every failure shown
        print(f"FAILED  {check.__name__}")
        traceback.print_exc()
        return False
    print(f"passed  {check.__name__}")
    return True


if __name__ == "__main__":
    sys.exit(main())
