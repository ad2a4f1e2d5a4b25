# SPDX-License-Identifier: Apache-2.0
"""Text as man(7) wants it."""


def escape(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("…", "\\&...").replace("'", "\\(aq")
    return "\\&" + text if text.startswith((".", "'")) else text


def bold(text):
    return r"\fB" + escape(text) + r"\fR"


def tagged(tag, text):
    """An item of a list: the tag, and below it what it is."""
    return f".TP\n{tag}\n{text or chr(92) + '&'}\n"
