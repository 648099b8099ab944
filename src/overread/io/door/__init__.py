"""From a path to headers: what lies there, what kind of file it is, and why something was left out."""
