"""Commands that the lab adds to `overread`, by the entry-point group `overread.commands`."""
