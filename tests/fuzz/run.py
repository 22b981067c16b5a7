"""Runs one target under coverage guidance: `python -m tests.fuzz.run TARGET [libFuzzer options]`.

New inputs that reach new code are kept in the first folder that is named, else in the target's own in
`tests/fuzz/corpus/`; docs/testing.md says how to make them few and small.
"""

import importlib
import shlex
import sys
from collections.abc import Callable
from pathlib import Path

TARGETS = ("yaml", "plan", "radius", "rates")
CORPUS = Path(__file__).parent / "corpus"
_FLAGS_OF_CHILDREN = ("-merge_inner", "-minimize_crash_internal_step")
_INSTRUMENTED = ["generator", "pyrad"]


def main(arguments: list[str]) -> None:
    """Fuzz; ends with the process, as libFuzzer does."""
    if not arguments or arguments[0] not in TARGETS:
        sys.exit(f"usage: python -m tests.fuzz.run {'|'.join(TARGETS)} [libFuzzer options]")
    import atheris  # noqa: PLC0415 - the corpus is checked where there is none, too

    target, *options = arguments
    with atheris.instrument_imports(include=_INSTRUMENTED):
        module = importlib.import_module(f"tests.fuzz.fuzz_{target}")
    named = [each for each in options if not each.startswith("-")]
    is_child = any(each.startswith(_FLAGS_OF_CHILDREN) for each in options)
    folders = named or ([] if is_child else [str(CORPUS / target)])
    words = Path(__file__).parent / f"{target}.dict"
    flags = [each for each in options if each.startswith("-")]
    known = [f"-dict={words}"] if words.is_file() else []
    own = {"custom_mutator": _half_blind(module.mutate)} if hasattr(module, "mutate") else {}
    atheris.Setup([_myself(target), "-max_len=4096", *known, *flags, *folders], module.check, **own)
    atheris.Fuzz()


def _myself(target: str) -> str:
    """The command by which libFuzzer starts a part of its work anew, to merge and to minimise."""
    return f"{shlex.quote(sys.executable)} -m tests.fuzz.run {target}"


Mutate = Callable[[bytes, int, int], bytes]


def _half_blind(mutate: Mutate) -> Mutate:
    """A target's own way to change an input, in turn with libFuzzer's, which knows nothing of its form."""
    import atheris  # noqa: PLC0415 - as above

    def change(data: bytes, max_size: int, seed: int) -> bytes:
        if seed % 2 or (changed := mutate(data, max_size, seed)) == data:
            return bytes(atheris.Mutate(data, max_size))
        return changed

    return change


if __name__ == "__main__":
    main(sys.argv[1:])
