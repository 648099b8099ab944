"""The public verbs; the only place where tasks meet evidence."""
