"""The public verbs; the only place where tasks meet evidence.

One module a verb, so that each loads only what it needs: `analyze`, `inspect`, `simulate`, `demo`, `tasks`, `verify`.
"""
