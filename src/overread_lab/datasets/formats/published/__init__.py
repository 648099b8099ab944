"""One reader a published format: what lies on disk to cases of a `SetWriter`."""
