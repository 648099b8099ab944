"""What pages share: the templates, and files that they hold inline with the digests that allow them."""

from __future__ import annotations

import base64
import hashlib
from importlib.resources import files

import jinja2


def asset(name: str, *, package: str = "overread.evidence.page") -> tuple[str, str]:
    """A file of a package as it stands, and its digest for the content security policy."""
    text = files(package).joinpath(name).read_text(encoding="utf-8")
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return text, f"sha256-{digest}"


def template(name: str, *, package: str = "overread.evidence", folder: str = "page") -> jinja2.Template:
    """A template of a package; autoescape is on, and a name that is not given is an error."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader(package, folder), autoescape=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(name)
