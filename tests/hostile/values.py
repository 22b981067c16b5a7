"""The one table of hostile texts: what a billing system, a router, a BQN or a template may put where a name belongs.

Every text carries `MARK`, so that a test can find it again in an output; a line here is in every test of this folder.
"""

from collections.abc import Iterator, Mapping
from typing import Any

MARK = "owned"

TEXTS: Mapping[str, str] = {
    # terminals
    "colour": "\x1b[31mowned\x1b[0m",
    "clear screen": "owned\x1b[2J\x1b[H",
    "title": "\x1b]0;owned\x07",
    "hyperlink": "\x1b]8;;http://owned.example\x07click\x1b]8;;\x07",
    "eight-bit csi": "\x9b31mowned",
    "backspaces": "owned\x08\x08\x08\x08\x08safe",
    "carriage return": "owned\rPlan: no changes",
    "delete": "owned\x7f",
    # the order and look of letters
    "bidi override": "owned\u202egnp.exe",
    "bidi isolate": "\u2066owned\u2069",
    "arabic mark": "owned\u061c",
    "zero width": "ow\u200bned owned",
    "byte order mark": "\ufeffowned",
    "tag letters": "owned\U000e0041\U000e0042",
    "soft hyphen": "owned\xad",
    # lines
    "new line": "owned\n  - 10.0.0.9 deleted",
    "crlf header": "owned\r\nSet-Cookie: a=b",
    "line separator": "owned\u2028next",
    "paragraph separator": "owned\u2029next",
    "next line": "owned\x85next",
    "vertical tab": "owned\x0bnext\x0cpage",
    # templates
    "jinja": "{{ 7 * 191 }}owned",
    "jinja escape": "{{ ''.__class__.__mro__[1].__subclasses__() }}owned",
    "jinja block": "{% for a in range(9) %}owned{% endfor %}",
    "jinja lookup": "{{ lookup('env', 'HOME') }}owned",
    "format string": "%s%n{0.__class__}owned",
    # YAML
    "yaml tag": "!!python/object/apply:os.system [touch owned]",
    "yaml unsafe": "!unsafe owned",
    "yaml document": "---\nowned: 1\n...",
    "yaml anchor": "&a [*a] owned",
    "yaml key": "owned: {policy: Free}",
    "yaml end of flow": 'owned"}, policy: Free, reason: {"',
    "yaml comment": "owned # no more",
    "yaml block": "|\n  owned",
    # HTML
    "script": "<script>document.title='owned'</script>",
    "end of script": "</script><script>document.title='owned'</script>",
    "image": "<img src=x onerror=document.title='owned'>",
    "attribute": "\" onmouseover=\"document.title='owned'",
    "entity": "&lt;b&gt;owned&amp;",
    "html comment": "--><b>owned</b><!--",
    "end of details": "</details><h1>owned</h1>",
    # Markdown
    "link": "[owned](javascript:alert(1))",
    "reference": "[owned]: http://owned.example",
    "picture": "![owned](http://owned.example/a.png)",
    "bare link": "https://owned.example/x owned",
    "mention": "@owned/everyone",
    "issue": "fixes #1 owned",
    "fence": "```\n# owned",
    "tilde fence": "~~~ owned",
    "long fence": "owned ``````````",
    "table": "owned | a | b |",
    "marker": "<!-- bqnctl plan -->owned",
    "heading": "# owned",
    "task": "- [x] owned",
    "forge command": "/merge owned",
    "workflow command": "::set-output name=owned::1",
    "old workflow command": "##[error]owned",
    # spreadsheets
    "formula": "=cmd|'/c calc'!A1 owned",
    "formula plus": "+1+cmd|'owned'!A1",
    "formula at": "@SUM(1)owned",
    # paths
    "dots": "../../../../etc/owned",
    "absolute": "/etc/owned",
    "windows": "..\\..\\owned",
    "encoded dots": "%2e%2e%2fowned",
    "nul path": "owned\x00.yml",
    "url parts": "owned?a=b#c",
    # shells
    "substitution": "$(touch owned)",
    "backticks": "`touch owned`",
    "semicolon": "owned; touch owned",
    "option": "--exec=owned",
    "quotes": "owned' || touch 'owned",
    # databases and metrics
    "sql": "owned'; DROP TABLE subscribers;--",
    "label": 'owned"} 1\nowned_metric{a="',
    "backslash": "owned\\",
    # letters that are none
    "lone surrogate": "owned\ud800",
    "noncharacter": "owned\ufffe",
    "combining": "owned" + "\u0301" * 200,
    "long": "owned" + "x" * 3000,
}
"""What each is called, and the text."""

CARRIED: Mapping[str, str] = {name: text for name, text in TEXTS.items() if "\ud800" not in text and "\x00" not in text}
"""Those that UTF-8, a database and a datagram can carry."""

HOSTILE: tuple[Any, ...] = (
    None, "", " ", 0, -1, 1.5, 2**63, 10**400, float("nan"), float("inf"), True, False, [], {}, [[]], [None],
    {"id": {}}, [MARK] * 50, {MARK: MARK}, "0", "null", "NaN", "-0", "no", "1e999", "٣", "9" * 5000,
    "10.0.0.0/8", "::1", "fe80::1%eth0", "255.255.255.255", "2001:db8::/200", "1.2.3.4/255.255.255.0", "Billing-Block",
    *TEXTS.values(),
)  # fmt: skip
"""What may stand in any field, whatever its type should be."""


def deep(levels: int) -> bytes:
    """JSON, which is YAML too, nested so deep."""
    return b"[" * levels + b"]" * levels


def documents() -> Iterator[tuple[str, bytes]]:
    """Files of YAML that are none, or mean harm; `KIND` is the key that the file should begin with."""
    bomb = "\n".join(f"  a{at}: &a{at} [{', '.join([f'*a{at - 1}'] * 9) if at else '1, 2'}]" for at in range(30))
    yield "bomb", f"KIND:\n{bomb}\n".encode()
    yield "deep", b"KIND: " + deep(100_000)
    yield "deep blocks", b"KIND:" + b"".join(b"\n" + b" " * at + b"- " for at in range(1, 2000))
    yield "long key", b"KIND:\n  " + b"x" * 10_000_000 + b": 1\n"
    yield "repeated key", b"KIND: {}\nKIND: {}\n"
    yield "huge integer", b"KIND: " + b"9" * 5000
    yield "huge hexadecimal", b"KIND: 0x" + b"f" * 100_000
    yield "sexagesimal", b"KIND: " + b":".join([b"59"] * 5000)
    yield "not a number", b"KIND: .nan"
    yield "infinite", b"KIND: -.inf"
    yield "far exponent", b"KIND: 1.0e+999999999"
    yield "not UTF-8", b"KIND: \xff\xfe"
    yield "other encoding", "KIND: {}".encode("utf-16")
    yield "NUL", b"KIND: a\x00b"
    yield "surrogate", b'KIND: "\\ud800"'
    yield "python tag", b"KIND: !!python/object/apply:os.system [true]"
    yield "endless anchors", b"KIND: &a [*a]"
    yield "long text", b"KIND: " + b"x" * 10_000_000
    yield "many documents", b"KIND: {}\n---\n" * 1000


def bodies() -> Iterator[tuple[str, bytes]]:
    """JSON that is none, or no answer to any question."""
    yield "deep", deep(100_000)
    yield "deep objects", b'{"a":' * 100_000 + b"1" + b"}" * 100_000
    yield "huge integer", b"9" * 5000
    yield "far exponent", b"1e999999999"
    yield "NaN", b'{"items":[NaN],"data":NaN}'
    yield "infinite", b"[Infinity]"
    yield "not UTF-8", b'["\xff\xfe"]x'
    yield "NUL", b'{"items":[]}\x00'
    yield "surrogate", b'"\\ud800'
    yield "repeated keys", b'{"items":[],"items":1,"data":[],"data":2}'
    yield "long text", b'"' + b"x" * 10_000_000 + b'"'
    yield "nothing", b""


TEMPLATES: tuple[str, ...] = (
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ self.__init__.__globals__ }}",
    "{{ lipsum.__globals__['os'].popen('touch owned').read() }}",
    "{{ cycler.__init__.__globals__.os.system('touch owned') }}",
    "{{ joiner.__init__.__globals__ }}",
    "{{ line.__globals__ }}",
    "{{ (line | attr('__globals__'))['sys'] }}",
    "{{ '{0.__class__.__init__.__globals__}'.format(line) }}{{ owned }}",
    "{{ ''.format_map(line.__globals__) }}",
    "{{ [].append.__self__.__class__.__base__ }}{{ owned }}",
    "{% include '/etc/passwd' %}",
    "{% include '../../hosts.yml' %}",
    "{% extends '../../../etc/passwd' %}",
    "{% import 'os' as os %}{{ os.system('touch owned') }}",
    "{% macro a() %}{{ a() }}{% endmacro %}{{ a() }}",
    "{{ 'x' * 10 ** 10 }}",
    "{{ ['x'] * 10 ** 10 }}",
    "{{ 9 ** 99999999 }}",
    "{{ 9 ** 64 ** 64 ** 64 ** 64 ** 64 }}",
    "{{ '%9999999999d' % 1 }}",
    "{{ 'x' | center(9999999999) }}",
    "{{ '{:9999999999}'.format(1) }}",
    "{{ range(10 ** 12) | list }}",
    "{{ lookup('pipe', 'touch owned') }}",
    "{{ 1 / 0 }}",
    "{{ owned.owned }}",
    "{{ owned",
    "{% for a in %}",
    "{% set a = 1 %}" * 3 + "{{ a.b.c }}",
    "{{ " + "(" * 5000 + "1" + ")" * 5000 + " }}",
)
"""Templates of an inventory that want out of the sandbox, more memory than there is, or are none."""
