"""The picture of the README: the first findings of `overlay.png` of a demo, small enough for a page.

overread demo -o demo && python docs/images/demo_overlay.py demo/results/overlay.png
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

ROWS = 2
PAGE_WIDTH = 900
TITLE_SHARE, ROW_SHARE = 0.034, 0.373
"""Heights of the title line and of one finding, as shares of the width of the picture."""


def main() -> None:
    picture = Image.open(sys.argv[1]).convert("RGB")
    height = min(picture.height, round(picture.width * (TITLE_SHARE + ROWS * ROW_SHARE)))
    shown = picture.crop((0, 0, picture.width, height))
    shown = shown.resize((PAGE_WIDTH, round(PAGE_WIDTH * height / picture.width)), Image.Resampling.LANCZOS)
    shown.quantize(256, method=Image.Quantize.FASTOCTREE).save(
        Path(__file__).with_name("demo-overlay.png"), optimize=True
    )


if __name__ == "__main__":
    main()
