"""Commands that the lab adds to `overread`; each loads its work when it is called, so that `--help` stays quick."""
