"""The command line as data: commands, options, and which function carries each out. Standard library only."""

from __future__ import annotations

import argparse
import re
import sys
from datetime import date
from typing import TYPE_CHECKING

import sosmlx
from sosmlx.cli.halves import elsewhere

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Callable

    from _typeshed import SupportsWrite
    from typing_extensions import TypeAlias

    Commands: TypeAlias = "argparse._SubParsersAction[_Parser]"

SOURCE = (
    "live:, sim:SCENARIO, a bundle, a sosreport with one, a text of a known tool, a folder of texts, or - for "
    "standard input"
)

EXIT_CODES = """exit codes:
  code  diff                  check                  collect                show, devices, others
  0     no difference         nothing at or above    every device complete  something was shown
                              --fail-on, determined
  1     differences           a finding at or above  -                      -
                              --fail-on, or a taint
                              that nobody waived
  2     usage or unreadable   the same               nothing could be       trouble
        input                                        written
  3     no difference seen,   undetermined: not all  written, but           stored bytes were
        but one side could    that the rules need    incomplete, no device, damaged or unparseable
        not read what the     was read               or something changed
        other has                                    while collecting
  130   interrupted           interrupted            interrupted            interrupted
"""

PROFILES = ("minimal", "default", "full")
HEAVY = ("health-dumps", "region-dumps", "tc-filters")
"""What is collected only on request: the options that collectors of tier 3 declare."""

PROGRESS = ("auto", "tty", "json", "none")

SEVERITIES = ("info", "low", "medium", "high", "critical")
FORMATS = ("text", "json", "jsonl", "csv", "markdown", "github")
"""Formats of standard output."""

BASELINE = "a TOML file, a SOURCE, builtin:NAME, factory, pending or peers (repeatable; default builtin:envelope)"


class _Parser(argparse.ArgumentParser):
    def print_help(self, file: SupportsWrite[str] | None = None) -> None:
        """Print the help; argparse would pass over in silence that it could not."""
        print(self.format_help(), end="", file=file)


def parser(only: str = "") -> _Parser:
    """Build the parser, of one command where `only` names it: a command line has one, and the others take time.

    `run` of a parsed line is `half:function`: the module of `sosmlx.cli`, and what to call.
    """
    top = _Parser(
        prog="sosmlx",
        description=sosmlx.__doc__,
        epilog=EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"sosmlx {sosmlx.__version__}")
    commands = top.add_subparsers(title="commands", metavar="COMMAND", required=True)

    for add in [_COMMANDS[only]] if only in _COMMANDS else _COMMANDS.values():
        add(commands)
    return top


def _command(commands: Commands, name: str, run: str, words: str, example: str) -> _Parser:
    command = commands.add_parser(
        name,
        help=f"(not in this file) {words}" if elsewhere(run) else words,
        description=words,
        epilog=f"example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    command.set_defaults(run=run)
    command.add_argument("--debug", action="store_true", help="show a traceback, for a bug report")
    return command


def _collect(commands: Commands) -> None:
    collect = _command(commands, "collect", "host:collect", "read this host and write a bundle",
                       "sosmlx collect -o /var/tmp/bundles --label before-upgrade")  # fmt: skip
    collect.add_argument("-o", dest="folder", metavar="DIR", default=".", help="write into DIR, created when missing")
    collect.add_argument("--plan", action="store_true", help="print what would be read, and read nothing")
    collect.add_argument("--json", action="store_true", help="with --plan: as JSON")
    collect.add_argument(
        "--profile", choices=PROFILES, default="default", help="how much: identity, the usual, or all that is cheap"
    )
    collect.add_argument("--label", default="", metavar="TEXT", help="a word for the bundle's name")
    collect.add_argument(
        "--max-seconds", type=_positive, default=300.0, metavar="S", help="time for the whole run (300)"
    )
    collect.add_argument("--max-bytes", type=_size, default=64 << 20, metavar="N", help="bytes to store (64 MiB)")
    collect.add_argument("--vendor-access", action="store_true",
                         help="let mstconfig read flash by PCI address: it WRITES PCI configuration space")  # fmt: skip
    collect.add_argument("--with", dest="options", action="append", default=[], choices=HEAVY, metavar="WHAT",
                         help=f"read what is large or slow, too: {', '.join(HEAVY)} (repeatable)")  # fmt: skip
    collect.add_argument("--device", action="append", default=[], metavar="SEL",
                         help="only this device and the host: BDF, netdev, RDMA or fwctl name")  # fmt: skip
    collect.add_argument("--root", default="", metavar="DIR",
                         help="read the host whose files are below DIR; nothing of it is run")  # fmt: skip
    collect.add_argument("--source", default="live:", metavar="HOST", help="live: (default) or sim:SCENARIO")
    collect.add_argument("--format", choices=("tar.xz", "tar.gz", "dir"), default="tar.xz", help="kind of archive")
    collect.add_argument("--encrypt-to", action="append", default=[], metavar="KEY",
                         help="encrypt: age recipient, GPG fingerprint or public key file (repeatable)")  # fmt: skip
    _redacting(collect)
    collect.add_argument("--sign", default="", metavar="KEY",
                         help="sign: the fingerprint of a GPG key, or a minisign secret key's file")  # fmt: skip
    collect.add_argument("--quiet", action="store_true", help="print nothing but the bundle's path")
    collect.add_argument("--progress", choices=PROGRESS, default="auto",
                         help="on stderr: lines, JSON events or none (auto: lines on a terminal)")  # fmt: skip


def _devices(commands: Commands) -> None:
    devices = _command(commands, "devices", "analysis:devices", "list adapters and the channels into them",
                       "sosmlx devices live:")  # fmt: skip
    devices.add_argument("source", nargs="?", default="live:", metavar="SOURCE", help=SOURCE)


def _show(commands: Commands) -> None:
    show = _command(commands, "show", "analysis:show", "settings, evidence, coverage and verdict of one source",
                    "sosmlx show bundle.tar.xz --plane nvconfig --non-default")  # fmt: skip
    show.add_argument("source", metavar="SOURCE", help=SOURCE)
    show.add_argument("--name", metavar="GLOB", default="*", help="only settings whose name matches")
    show.add_argument("--pending", action="store_true", help="only what waits for a reset")
    show.add_argument("--non-default", action="store_true", help="only what differs from the factory view")
    show.add_argument("--brief", action="store_true", help="verdict, devices and what waits, on one screen (80 x 24)")
    show.add_argument("--raw", metavar="RECORD", help="print the bytes of one record (its id) and nothing else")
    _common(show)


def _diff(commands: Commands) -> None:
    diff = _command(commands, "diff", "analysis:diff", "what changed between two sources",
                    "sosmlx diff before.txt after.txt")  # fmt: skip
    diff.add_argument("left", metavar="LEFT", help=SOURCE)
    diff.add_argument("right", metavar="RIGHT", help="the same")
    diff.add_argument("--ignore", metavar="GLOB", action="append", default=[],
                      help="leave out names, PLANE/NAME or DEVICE/PLANE/NAME (repeatable)")  # fmt: skip
    diff.add_argument("--base", metavar="SOURCE", help="what both sides come from: say which of them moved")
    _common(diff)


def _verify(commands: Commands) -> None:
    verify = _command(commands, "verify", "host:verify", "check that a bundle is whole and unchanged",
                      "sosmlx verify bundle.tar.xz")  # fmt: skip
    verify.add_argument("bundle", metavar="BUNDLE")
    verify.add_argument("--trust", default="", metavar="FILE",
                        help="public key (GPG, minisign) that must have signed it (else your GPG keyring)")  # fmt: skip


def _list(commands: Commands) -> None:
    listing = _command(commands, "list", "host:listing", "the kinds, scenarios and policies that there are",
                       "sosmlx list policies")  # fmt: skip
    listing.add_argument("what", choices=("kinds", "scenarios", "policies"))


def _sos_plugin(commands: Commands) -> None:
    plugin = _command(commands, "sos-plugin", "sosplugin:sos_plugin", "the plugin for sos, or for supportconfig",
                      "sosmlx sos-plugin install")  # fmt: skip
    plugin.add_argument("what", choices=("install", "path", "print"), help="put it in place; where it is; the file")
    plugin.add_argument("--supportconfig", action="store_true", help="the executable for supportconfig instead")
    plugin.add_argument("-o", dest="folder", metavar="DIR", default="", help="the folder to install into, if not found")


def _schema(commands: Commands) -> None:
    schema = _command(commands, "schema", "host:schema", "print a JSON Schema, or their names", "sosmlx schema diff")
    schema.add_argument("name", nargs="?", metavar="NAME")


def _demo(commands: Commands) -> None:
    demo = _command(commands, "demo", "analysis:demo", "the whole job on a simulated host", "sosmlx demo /tmp/demo")
    demo.add_argument("folder", nargs="?", default="sosmlx-demo", metavar="DIR", help="where to write (sosmlx-demo)")


def _check(commands: Commands) -> None:
    check = _command(commands, "check", "judge:check", "findings against baselines and policies, and the verdict",
                     "sosmlx check bundle.tar.xz --baseline golden.toml --fail-on medium")  # fmt: skip
    check.add_argument("source", metavar="SOURCE", help=SOURCE)
    check.add_argument("--baseline", action="append", default=[], metavar="B", help=BASELINE)
    check.add_argument("--fail-on", choices=SEVERITIES, default="low", help="the least severity that counts (low)")
    check.add_argument("--today", type=_day, metavar="DATE", help="judge waivers as of this day, YYYY-MM-DD")
    _chosen(check)
    _written(check)


def _baseline(commands: Commands) -> None:
    baseline = _command(commands, "baseline", "judge:baseline", "a baseline from one source, or what many agree on",
                        "sosmlx baseline n01.tar.xz n02.tar.xz -o golden.toml")  # fmt: skip
    baseline.add_argument("sources", nargs="+", metavar="SOURCE", help=SOURCE)
    baseline.add_argument("-o", dest="output", metavar="FILE", help="write it there, and not to standard output")
    baseline.add_argument("--title", default="", metavar="TEXT", help="what it is for")
    baseline.add_argument(
        "--today", type=_day, metavar="DATE", help="the day that it is said to be made on, YYYY-MM-DD"
    )
    baseline.add_argument("--as", dest="as_kind", metavar="KIND", help="what a text is, where it is not recognised")


def _explain(commands: Commands) -> None:
    explain = _command(commands, "explain", "judge:explain",
                       "what a rule, parameter, outcome or taint bit means", "sosmlx explain taint-fwctl")  # fmt: skip
    explain.add_argument("name", metavar="NAME")


def _render(commands: Commands) -> None:
    render = _command(commands, "render", "render:render", "a saved result in another format",
                      "sosmlx render result.json -o report.html")  # fmt: skip
    render.add_argument("result", metavar="RESULT.json", help="what show, diff or check wrote, or - for standard input")
    _written(render)


def _common(command: argparse.ArgumentParser) -> None:
    command.add_argument("--all", action="store_true", dest="everything", help="counters and volatile values too")
    _chosen(command)
    _written(command)


def _chosen(command: argparse.ArgumentParser) -> None:
    command.add_argument("--plane", action="append", default=[], metavar="P", help="only this plane (repeatable)")
    command.add_argument("--device", action="append", default=[], metavar="SEL",
                         help="only this device: BDF, netdev, RDMA or fwctl name (repeatable)")  # fmt: skip
    command.add_argument("--as", dest="as_kind", metavar="KIND", help="what a text is, where it is not recognised")


def _redact(commands: Commands) -> None:
    redact = _command(commands, "redact", "redact:redact", "a copy of a bundle with tokens for names and addresses",
                      "sosmlx redact bundle.tar.xz -o redacted --verify")  # fmt: skip
    redact.add_argument("bundle", metavar="BUNDLE")
    redact.add_argument("-o", dest="folder", metavar="DIR", help="write into DIR (beside the bundle)")
    redact.add_argument("--verify", action="store_true", help="look for what should be gone before anything is written")
    redact.add_argument("--format", choices=("tar.xz", "tar.gz", "dir"), help="kind of archive (as the bundle)")
    _key(redact)


def _redacting(command: argparse.ArgumentParser) -> None:
    command.add_argument("--redact", action="store_true", help="tokens in the place of names, addresses and serials")
    _key(command)


def _key(command: argparse.ArgumentParser) -> None:
    command.add_argument("--key", metavar="FILE", help="the key of the tokens, made when missing (this user's own)")


def _written(command: argparse.ArgumentParser) -> None:
    _redacting(command)
    command.add_argument("--format", choices=FORMATS, default="text", help="for standard output")
    command.add_argument("-o", dest="outputs", action="append", default=[], metavar="FILE",
                         help="write by suffix: .html .json .jsonl .csv .md .sarif .xml (repeatable)")  # fmt: skip


def _day(text: str) -> date:
    try:
        if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
            return date.fromisoformat(text)
    except ValueError:  # there is no such day
        return _no_day(text)
    return _no_day(text)


def _no_day(text: str) -> date:
    raise argparse.ArgumentTypeError(f"{text!r}: a day as YYYY-MM-DD was expected")


def _positive(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1e6:
        raise argparse.ArgumentTypeError(f"{text!r}: a number of seconds above 0 was expected")
    return value


def _size(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,15}", text) or not int(text):
        raise argparse.ArgumentTypeError(f"{text!r}: a number of bytes above 0 was expected, such as {64 << 20}")
    return int(text)


_COMMANDS: Mapping[str, Callable[[Commands], None]] = {
    "collect": _collect,
    "devices": _devices,
    "show": _show,
    "diff": _diff,
    "check": _check,
    "baseline": _baseline,
    "explain": _explain,
    "render": _render,
    "redact": _redact,
    "verify": _verify,
    "list": _list,
    "sos-plugin": _sos_plugin,
    "schema": _schema,
    "demo": _demo,
}
"""In the order of the help."""


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse a command line; exits 2 for one that is wrong."""
    words = sys.argv[1:] if argv is None else argv
    top = parser(words[0] if words else "")
    args = top.parse_args(words)
    if args.run == "host:collect" and args.json and not args.plan:
        top.error("collect --json is for --plan")
    if args.run == "host:collect" and args.encrypt_to and args.format == "dir":
        top.error("collect --encrypt-to writes an archive: a folder cannot be encrypted")
    if args.run == "host:collect" and not args.folder:
        top.error("collect -o: a folder was expected")
    if args.run == "host:listing" and args.what == "policies":
        args.run = "judge:policies"
    if args.run == "host:collect" and args.plan:
        args.run = "plan:show"
    return args
