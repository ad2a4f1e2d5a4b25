#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""./dev lint: what a reviewer should not have to say. Prints file:line messages, or "lint: ok".

What compiles (clang-tidy, headers alone) is remembered in build-lint/lint/ by a hash of everything that went
into it, so a second run costs only what changed."""

import concurrent.futures
import functools
import hashlib
import json
import os
import re
import shlex
import subprocess
import sys

ROOT = os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.path.join(ROOT, os.environ.get("VETHWAY_BUILD", "build-lint"))
CACHE = os.path.join(BUILD, "lint")
JOBS = int(os.environ.get("LINT_JOBS", os.cpu_count() or 1))
SPDX = "SPDX-License-Identifier: Apache-2.0"
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
GROUP = 24  # sources that clang-tidy looks at together
STAGE_FOLDERS = ("dataplane/l2/", "dataplane/arp/", "dataplane/ip4/", "dataplane/icmp/", "dataplane/neighbour/")
STAGE = re.compile(r"^void \w+\(Context& \w+, Burst& ", re.M)
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX)\b")

# folder: (what it may include of ours, whether it may include DPDK). The longest that fits holds.
DIRECTION = {
    "dataplane/net/": (("dataplane/net/",), False),
    "config/": (("config/", "dataplane/net/"), False),
    "dataplane/": (("dataplane/",), True),
    "control/cli/": (("control/cli/", "dataplane/net/"), False),
    "control/": (("control/", "config/", "dataplane/"), True),
    "tests/": (("",), True),
    "perf/": (("",), True),
}


@functools.cache
def read(file):
    with open(os.path.join(ROOT, file), errors="replace") as f:
        return f.read()


def files():
    listed = subprocess.run(["git", "-c", f"safe.directory={ROOT}", "ls-files", "-co", "--exclude-standard"],
                            cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    return sorted({f for f in listed if f and os.path.isfile(os.path.join(ROOT, f))})


def includes(file):
    """(line number, is quoted, name)"""
    for number, line in enumerate(read(file).split("\n"), 1):
        if match := INCLUDE.match(line):
            yield number, match[1] == '"', match[2]


# --- Text ------------------------------------------------------------------------------------------
def check_text(every):
    spdx_wanted = re.compile(r"(\.(h|cpp|py|sh|c)|(^|/)(meson\.build|meson_options\.txt|dev|run|Dockerfile))$")
    for file in every:
        if spdx_wanted.search(file) and SPDX not in "\n".join(read(file).split("\n")[:3]):
            yield f"{file}:1: no SPDX line ({SPDX})"
        if file.endswith((".h", ".cpp", ".py", ".sh", ".build", ".yaml", ".md")) or "." not in file:
            for number, line in enumerate(read(file).split("\n"), 1):
                if UNFINISHED.search(line):
                    yield f"{file}:{number}: unfinished: {line.strip()}"
        if file.endswith(".h") and "#pragma once" not in read(file):
            yield f"{file}:1: no #pragma once"


def check_python(every):
    for file in every:
        if file.endswith(".py"):
            try:
                compile(read(file), file, "exec")
            except SyntaxError as error:
                yield f"{file}:{error.lineno}: {error.msg}"


# --- Who may include whom --------------------------------------------------------------------------
def is_stage(header):
    return header.startswith(STAGE_FOLDERS) and STAGE.search(read(header)) is not None


def check_includes(sources):
    known = set(sources)
    for file in sources:
        rule = max((folder for folder in DIRECTION if file.startswith(folder)), key=len, default=None)
        if rule is None:
            yield f"{file}:1: sources live in {', '.join(DIRECTION)}"
            continue
        may, dpdk = DIRECTION[rule]
        stage_folders = set()
        for number, quoted, name in includes(file):
            here = f"{file}:{number}"
            if name.startswith("rte_") and not dpdk:
                yield f"{here}: {rule} must not know DPDK, but includes {name}"
            if not quoted or name not in known:
                continue
            if not name.startswith(may):
                yield f"{here}: {rule} must not include {name}"
            if rule == "control/" and name.startswith("control/cli/"):
                yield f"{here}: the daemon must not include the command: {name}"
            if file.startswith("dataplane/") and name in known and is_stage(name):
                stage_folders.add(os.path.dirname(name))
                same = os.path.splitext(file)[0] == os.path.splitext(name)[0]
                if file.startswith(STAGE_FOLDERS) and not same:
                    yield f"{here}: a stage never includes a stage: {name}; only pipeline.cpp knows the order"
        if len(stage_folders) > 1 and not file.startswith("dataplane/pipeline."):
            yield f"{file}:1: includes stages of several folders; only pipeline.cpp may"


# --- What compiles ---------------------------------------------------------------------------------
@functools.cache
def closure(file):
    """The file and all of ours that it includes, at any depth."""
    seen, todo = set(), [file]
    while todo:
        one = todo.pop()
        if one in seen:
            continue
        seen.add(one)
        todo += [n for _, quoted, n in includes(one) if quoted and os.path.isfile(os.path.join(ROOT, n))]
    return sorted(seen)


class Compiler:
    """The flags of each file, as meson has them."""

    def __init__(self):
        with open(os.path.join(BUILD, "compile_commands.json")) as f:
            entries = json.load(f)
        self.flags = {}
        for entry in entries:
            file = os.path.relpath(os.path.join(entry["directory"], entry["file"]), ROOT)
            words = shlex.split(entry["command"])[1:]
            kept, skip = [], False
            for word in words:
                if skip:
                    skip = False
                elif word in ("-o", "-MF", "-MQ"):
                    skip = True
                elif word not in ("-c", "-MD", entry["file"]):
                    kept.append(self.absolute(word, entry["directory"]))
            self.flags[file] = kept

    @staticmethod
    def absolute(word, directory):
        if word.startswith("-I") and not word.startswith("-I/"):
            return "-I" + os.path.normpath(os.path.join(directory, word[2:]))
        return word

    def of(self, file):
        """Those of the file; of one that is not compiled by itself here, those of the source that has most
        of its headers in common, the nearest of several."""
        if file in self.flags:
            return self.flags[file]
        own = set(closure(file))
        return self.flags[max(self.flags, key=lambda other: (len(own & set(closure(other))),
                                                              len(os.path.commonprefix([file, other]))))]


def remembered(kind, file, extra, command):
    """Runs `command` unless it ran well before on the same content; its words where it did not."""
    digest = hashlib.sha256(repr((kind, file, extra, command)).encode())
    for one in closure(file):
        digest.update(f"\0{one}\0{read(one)}".encode())
    stamp = os.path.join(CACHE, digest.hexdigest())
    if os.path.exists(stamp):
        return ""
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        with open(stamp, "w"):
            return ""
    return (done.stdout + done.stderr).strip() or f"{file}:1: {command[0]} failed"


def tidied_together(compiler, sources):
    """Lists of sources that are one translation unit for clang-tidy, which spends its time in what they
    include. They compile together, as a unity build needs it; each test is a program of its own, and so is what
    lies in perf/ itself."""
    alike = {}
    for file in sources:
        if file.endswith(".cpp"):
            alone = file if file.startswith("tests/") or os.path.dirname(file) == "perf" else ""
            alike.setdefault((alone, tuple(compiler.of(file))), []).append(file)
    return [group[i:i + GROUP] for group in alike.values() for i in range(0, len(group), GROUP)]


def tidy(compiler, group):
    file = group[0]
    if len(group) > 1:
        file = os.path.relpath(os.path.join(CACHE, re.sub(r"\W", "_", group[0]) + ".cpp"), ROOT)
        with open(os.path.join(ROOT, file), "w") as unit:
            unit.writelines(f'#include "{one}"\n' for one in group)
        read.cache_clear()
    command = ["clang-tidy-14", "--quiet", "--warnings-as-errors=*",
               "--header-filter=(^|/)(config|control|dataplane|tests|perf)/", file, "--",
               *compiler.of(group[0]), "-Wno-unknown-warning-option", "-Wno-unused-command-line-argument",
               "-Wno-error"]
    text = remembered("tidy", file, read(".clang-tidy"), command)
    said = [line.replace(ROOT + "/", "") for line in text.split("\n")]
    short = [line for line in said if re.search(r": (error|warning): ", line)]
    return short or [line for line in said if line.strip()]


def header_alone(compiler, header):
    code = f'#include "{header}"\n#include "{header}"\n'
    command = ["sh", "-c", 'printf %s "$0" | g++ "$@" -fsyntax-only -x c++ -', code, *compiler.of(header)]
    text = remembered("alone", header, "", command)
    return [f"{header}:1: does not compile alone\n{text}"] if text else []


def check_compiled(sources, all_of_them):
    """all_of_them: clang-tidy looks at unit tests and benches as well, which takes it as long as all the rest;
    running them finds more. And each header is compiled alone, not only those that no source of their own
    includes before anything else."""
    os.makedirs(CACHE, exist_ok=True)
    compiler = Compiler()
    tidied = [f for f in sources if all_of_them or not f.startswith(("tests/unit/", "perf/"))]
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        jobs = [pool.submit(header_alone, compiler, f) for f in sources if f.endswith(".h") and
                (all_of_them or not os.path.exists(os.path.join(ROOT, f[:-2] + ".cpp")))]
        jobs += [pool.submit(tidy, compiler, group) for group in tidied_together(compiler, tidied)]
        said = set()  # what is wrong in a header is found again with each file that includes it
        for job in jobs:
            for line in job.result():
                if line not in said:
                    said.add(line)
                    yield line


def check_format(sources):
    if sources:
        done = subprocess.run(["clang-format-14", "--dry-run", "-Werror", *sources], cwd=ROOT,
                              capture_output=True, text=True, check=False)
        places = {}
        for match in re.finditer(r"^(\S+?):(\d+):\d+: (?:error|warning): ", done.stderr, re.M):
            places.setdefault(match[1], []).append(match[2])
        for file, lines in places.items():
            more = f" (and {len(lines) - 1} more)" if len(lines) > 1 else ""
            yield f"{file}:{lines[0]}: not as clang-format has it{more}: ./dev fmt mends it"
        if done.returncode and not places:
            yield f"clang-format-14: {done.stderr.strip()}"


def main(args):
    every = files()
    sources = [f for f in every if f.endswith((".h", ".cpp"))]
    if args:
        every = sources = [f for f in every if f.startswith(tuple(args))]
        sources = [f for f in sources if f.endswith((".h", ".cpp"))]
    faults = 0
    for messages in (check_text(every), check_python(every), check_includes(sources), check_format(sources),
                     check_compiled(sources, all_of_them=bool(args))):
        for message in messages:
            faults += 1
            print(message, flush=True)
    print("lint: ok" if not faults else f"lint: {faults} message{'s' if faults > 1 else ''}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
