"""Pictures: the set that is learnt from, and what somebody uploads, both as 8x8 shades of ink.

The set is the one that ships with scikit-learn (UCI "Optical Recognition of Handwritten Digits",
test part): 1797 digits by 13 people, 0 is paper and 1 is ink.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

SIDE = 8
MAX_SIDE = 4096
"""Of an uploaded picture, in pixels."""
MAX_BYTES = 2 << 20
LOOPS = (0, 6, 8, 9)
"""The digits with a closed loop, as they are printed. A handwritten 4 mostly has none."""

Images = NDArray[np.float32]
"""(count, 8, 8), from 0 (paper) to 1 (ink)."""


class NoPicture(ValueError):
    """What was uploaded cannot be read as a digit; the message is for the one who did it."""


@dataclass(frozen=True)
class Part:
    """Images with the digit that each shows."""

    images: Images
    digits: NDArray[np.int64]

    @property
    def loops(self) -> NDArray[np.int64]:
        """1 where the digit has a closed loop."""
        return np.isin(self.digits, LOOPS).astype(np.int64)


def load_parts(count: int | None = None) -> tuple[Part, Part]:
    """The part to learn from and the part that is held out (a quarter), the same ones every time.

    ``count`` takes fewer images to learn from; what is held out stays the same.
    """
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, digits = load_digits(return_X_y=True)
    images = (pixels.reshape(-1, SIDE, SIDE) / 16).astype(np.float32)
    learn_x, held_x, learn_y, held_y = train_test_split(
        images, digits.astype(np.int64), test_size=0.25, random_state=0, stratify=digits
    )
    return Part(learn_x[:count], learn_y[:count]), Part(held_x, held_y)


def shifted(part: Part) -> Part:
    """The part and its copies moved by one pixel in four directions."""
    moves = [(0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)]
    padded = np.pad(part.images, ((0, 0), (1, 1), (1, 1)))
    copies = [padded[:, 1 + y : 1 + y + SIDE, 1 + x : 1 + x + SIDE] for y, x in moves]
    return Part(np.concatenate(copies), np.tile(part.digits, len(moves)))


def read_picture(content: bytes) -> Images:
    """One digit out of a PNG or JPEG: dark on light or light on dark, of any size.

    It is cut out of its surroundings and brought to 8x8 as the learnt set was: filling the height.

    Raises:
        NoPicture: it is too large, no picture, or one of nothing.
    """
    if len(content) > MAX_BYTES:
        raise NoPicture(f"The picture has more than {MAX_BYTES >> 20} MB.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(content), formats=("PNG", "JPEG")) as opened:
                if max(opened.size) > MAX_SIDE:
                    raise NoPicture(f"The picture has a side of more than {MAX_SIDE} pixels.")
                grey = _grey(opened)
    except NoPicture:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise NoPicture(f"The picture has a side of more than {MAX_SIDE} pixels.") from error
    except Exception as error:  # a decoder can fail in any way on bytes from outside
        raise NoPicture("This is no PNG or JPEG picture that can be read.") from error
    return _centred(grey)[None]


def png(image: NDArray[np.float32]) -> bytes:
    """An 8x8 image as a PNG, ink dark on white."""
    out = io.BytesIO()
    Image.fromarray(np.rint(255 * (1 - image)).astype(np.uint8)).save(out, "PNG")
    return out.getvalue()


def _grey(opened: Image.Image) -> NDArray[np.float32]:
    """Ink from 0 to 1; what is see-through is paper, and the edge tells which shade paper has."""
    turned = ImageOps.exif_transpose(opened)
    if turned.mode.startswith("I"):  # sixteen bits, which Pillow would cut off and not scale
        shades = np.asarray(turned, np.float32) / 65535
    else:
        seen = turned.convert("RGBA" if turned.has_transparency_data else "RGB").convert("RGBA")
        paper = Image.new("RGBA", seen.size, "white")
        shades = np.asarray(Image.alpha_composite(paper, seen).convert("L"), np.float32) / 255
    edge = np.concatenate([shades[0], shades[-1], shades[:, 0], shades[:, -1]])
    ink = np.abs(shades - np.median(edge))
    if ink.max() < 0.15:
        raise NoPicture("There is nothing in the picture that stands out from its edge.")
    return np.asarray(np.clip(ink / ink.max(), 0, 1), np.float32)


def _centred(ink: NDArray[np.float32]) -> NDArray[np.float32]:
    rows, columns = np.nonzero(ink > 0.3)
    cut = ink[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    side = max(cut.shape)
    square = np.zeros((side, side), np.float32)
    top, left = (side - cut.shape[0]) // 2, (side - cut.shape[1]) // 2
    square[top : top + cut.shape[0], left : left + cut.shape[1]] = cut
    small = Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.BOX)
    return np.clip(np.asarray(small, np.float32), 0, 1)
