#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The manual pages of the package say all that the programs' help and the configuration's schema say."""

import json
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.realpath(os.environ.get("VETHWAY_BUILD", os.path.join(ROOT, "build")))
sys.path.insert(0, os.path.join(ROOT, "debian", "manual"))

import generate  # noqa: E402  # pylint: disable=wrong-import-position


def shown(page):
    """Its text, without what roff is told by backslashes."""
    plain = re.sub(r"\\f[BIR]|\\&", "", page)
    return plain.replace("\\-", "-").replace("\\(aq", "'").replace("\\e", "\\")


def programs(words):
    """Every command below a program, as words."""
    yield words
    for command in generate.Help(words).commands():
        yield from programs([*words, command])


def missing_options(page, program):
    text = shown(page)
    for words in programs([os.path.join(BUILD, program)]):
        said = subprocess.run([*words, "--help"], capture_output=True, text=True, check=True).stdout
        for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", said)) - {"--help"}:
            if option not in text:
                yield f"{' '.join(words[1:])} {option}"
        for name in words[1:]:
            if name not in text:
                yield name


def missing_keys(page):
    with open(os.path.join(ROOT, "config", "vethway.schema.json")) as f:
        schema = json.load(f)

    def keys(node):
        if isinstance(node, dict):
            yield from node.get("properties", {})
            for value in node.values():
                yield from keys(value)
        elif isinstance(node, list):
            for value in node:
                yield from keys(value)

    return sorted(key for key in set(keys(schema)) if not re.search(rf"\\fB{key}\\fR|^\.SS {key}$", page, re.M))


def versions():
    with open(os.path.join(ROOT, "debian", "changelog")) as f:
        return re.match(r"vethway \(([^)]+)\)", f.readline())[1], generate.version()


def build_depends():
    """What the package is built with is what ./dev builds with."""
    with open(os.path.join(ROOT, "debian", "control")) as f:
        control = set(re.findall(r"^ ([a-z0-9.+-]+),?$", f.read().split("\nPackage:")[0], re.M))
    with open(os.path.join(ROOT, "dev")) as f:
        dev = set(re.search(r'^packages_build="([^"]+)"', f.read(), re.M)[1].split())
    return sorted(control - {"python3"} ^ dev)


def main():
    with tempfile.TemporaryDirectory() as out:
        generate.main(out, os.path.join(BUILD, "vethwayd"), os.path.join(BUILD, "vethway"))
        pages = {}
        for name in os.listdir(out):
            with open(os.path.join(out, name)) as f:
                pages[name] = f.read()
    package, project = versions()
    checks = {
        "three pages": None if len(pages) == 3 else sorted(pages),
        "vethwayd's options": list(missing_options(pages["vethwayd.8"], "vethwayd")),
        "vethway's commands and options": list(missing_options(pages["vethway.1"], "vethway")),
        "keys of the configuration": missing_keys(pages["vethway.yaml.5"]),
        "no marks left": [name for name, page in pages.items() if re.search(r"@[A-Z]+@|None", page)],
        "the package's version is the project's": None if package == project else (package, project),
        "the package is built with what ./dev builds with": build_depends(),
    }
    for name, wrong in checks.items():
        if wrong:
            print(f"FAILED   {name}: {wrong}")
    failed = sum(bool(wrong) for wrong in checks.values())
    print(f"{len(checks) - failed} passed, {failed} failed")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
