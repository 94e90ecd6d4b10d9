"""The embedding of the empty prompt, computed once with the text encoder, where it cannot be had as a file."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch

from sparkvsr.cogvideox.layout import PROMPT_FILE, PROMPT_KEY, TRANSFORMER_CONFIG
from sparkvsr.engine import EngineUnavailableError

# Of the T5 vocabulary: the empty text is the sign for its end, and padding.
_END, _PADDING = 1, 0


def empty_prompt(encoder: Any) -> torch.Tensor:
    """[1, tokens, channels] bfloat16 of an encoder that maps token numbers [1, tokens] to (states, …).

    As published, the padding is not masked.
    """
    tokens = torch.full((1, TRANSFORMER_CONFIG["max_text_seq_length"]), _PADDING)
    tokens[0, 0] = _END
    with torch.no_grad():
        states: torch.Tensor = encoder(tokens)[0]
    return states.to(torch.bfloat16).contiguous()


def compute_prompt(text_encoder: Path, folder: Path) -> Path:
    """Load the T5 encoder from its folder (19 GB in float32), on the processor, and keep its answer in ``folder``."""
    if find_spec("transformers") is None:
        raise EngineUnavailableError(
            "expected the packages transformers and sentencepiece, found none; they are needed this once: "
            "pip install transformers sentencepiece"
        )
    from safetensors.torch import save_file
    from transformers import T5EncoderModel

    encoder = T5EncoderModel.from_pretrained(text_encoder, torch_dtype=torch.bfloat16).eval()
    path = folder / PROMPT_FILE
    save_file({PROMPT_KEY: empty_prompt(encoder)}, path)
    return path
