"""`evaluate` with a shipped task on real scans."""

import pytest

from overread_lab.evaluate import evaluate


@pytest.mark.slow
def test_nodules_of_the_readers_are_found_and_counted(shared_data):
    """A minute: three LIDC-IDRI scans. What the card says of them (five lesions, all found) must come out here too."""
    document = evaluate("chest_ct_nodule", shared_data / "chest_ct").document
    nodules = document["questions"][0]
    assert nodules["cases"]["scored"] == 3
    found = {row["case"]: (row["truths"], len({i for i in row["outcome"] if i >= 0})) for row in nodules["rows"]}
    assert found["LIDC-IDRI-0001"] == (1, 1)
    assert all(hits >= 1 for _, hits in found.values())
    assert not document["leakage"]["possible"]  # its card names no training groups
