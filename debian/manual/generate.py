#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""generate.py DIR VETHWAYD VETHWAY: writes the manual pages into DIR. What a program has options for is asked of
the program's own --help, and what a configuration may say of the JSON Schema, so that a page can't know other
words than they do; the rest is in *.roff beside this file."""

import datetime
import json
import os
import re
import subprocess
import sys

import schema_page
from roff import bold, escape, tagged

HERE = os.path.dirname(os.path.realpath(__file__))
ROOT = os.path.join(HERE, "..", "..")
WIDTH = 30  # of the left column of CLI11's help; what does not fit is followed by a new line


class Help:
    """What --help of a program, or of a command of it, says."""

    def __init__(self, words):
        text = subprocess.run([*words, "--help"], capture_output=True, text=True, check=True).stdout
        head, *sections = re.split(r"^(Positionals|Options|Subcommands):$", text, flags=re.M)
        self.description = " ".join(line for line in head.splitlines() if line and not line.startswith("Usage: "))
        usage = re.search(r"^Usage: \S+(.*)$", head, re.M)
        if not usage:
            raise SystemExit(f"{' '.join(words)} --help has no line of usage")
        self.usage = usage[1].strip()
        self.rows = {name: list(rows(body)) for name, body in zip(sections[::2], sections[1::2])}

    def options(self):
        shown = [row for row in self.rows.get("Options", []) if not row[0].startswith("-h,")]
        if mute := [left for left, right in shown if not right]:
            raise SystemExit(f"{self.usage}: --help says nothing of {', '.join(mute)}")
        return shown

    def commands(self):
        return [name.split(",")[0] for name, _ in self.rows.get("Subcommands", [])]


def rows(body):
    """(left, right) of a help's table: what is too long for its column has its text on the next line."""
    lines = [line for line in body.splitlines() if line.strip()]
    while lines:
        line = lines.pop(0)
        if lines and not lines[0][:WIDTH].strip():
            yield line.strip(), lines.pop(0).strip()
        elif line[WIDTH - 1:WIDTH] == " ":
            yield line[:WIDTH].strip(), line[WIDTH:].strip()
        else:
            yield line.strip(), ""


def option_tag(left):
    names, _, rest = left.partition(" ")
    return bold(names.replace(",", ", ")) + (" " + escape(rest) if rest else "")


def option_list(shown):
    return "".join(tagged(option_tag(left), escape(right)) for left, right in shown)


def command_pages(program, words=()):
    """Each command of the program that is not merely a name for those below it."""
    this = Help([program, *words])
    below = this.commands()
    if words and not (below and " SUBCOMMAND" in this.usage):
        positionals = [(left.split(" ")[0], right) for left, right in this.rows.get("Positionals", [])]
        yield f".SS {escape(this.usage.replace(' [OPTIONS]', ''))}\n{escape(this.description)}.\n"
        yield "".join(tagged(r"\fI" + escape(left) + r"\fR", escape(right)) for left, right in positionals if right)
        yield option_list(this.options())
    for command in below:
        yield from command_pages(program, (*words, command))


def version():
    with open(os.path.join(ROOT, "meson.build")) as f:
        return re.search(r"version: '([^']+)'", f.read())[1]


def date():
    when = int(os.environ.get("SOURCE_DATE_EPOCH", 0)) or datetime.datetime.now().timestamp()
    return datetime.datetime.fromtimestamp(when, datetime.timezone.utc).strftime("%Y-%m-%d")


def page(name, **generated):
    with open(os.path.join(HERE, name + ".roff")) as f:
        text = f.read()
    for mark, value in {"DATE": date(), "VERSION": version(), **generated}.items():
        text = re.sub(rf"^@{mark}@$|@{mark}@", lambda _, value=value: value.rstrip("\n"), text, flags=re.M)
    if left := re.findall(r"@[A-Z]+@", text):
        raise SystemExit(f"{name}.roff has unknown marks: {left}")
    return text


def main(out, vethwayd, vethway):
    daemon, command = Help([vethwayd]), Help([vethway])
    with open(os.path.join(ROOT, "config", "vethway.schema.json")) as f:
        schema = json.load(f)
    pages = {
        "vethwayd.8": page("vethwayd.8", OPTIONS=option_list(daemon.options())),
        "vethway.1": page("vethway.1", OPTIONS=option_list(command.options()),
                          COMMANDS="".join(command_pages(vethway))),
        "vethway.yaml.5": page("vethway.yaml.5", KEYS=schema_page.keys(schema)),
    }
    os.makedirs(out, exist_ok=True)
    for name, text in pages.items():
        with open(os.path.join(out, name), "w") as f:
            f.write(text)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    main(*sys.argv[1:])
