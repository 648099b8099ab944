"""A header may claim any number of frames; what the file cannot hold is refused before anything is made of it."""

import pytest

from overread.errors import DamagedFileError
from overread.io import open_study


def test_more_frames_than_bytes(writer, stored):
    writer.edit = lambda dataset, n: setattr(dataset, "NumberOfFrames", 2**31 - 1)
    writer.write(stored[:1])
    with pytest.raises(DamagedFileError, match="2147483647 frames, more than its"):
        open_study(writer.folder)
