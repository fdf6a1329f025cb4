"""The `lauter` command: one word, then Hydra's ``key=value`` settings.

Exit codes: 0 done; 1 our fault; 2 what the caller got wrong; 3 a finished run that missed its
quality gate; 130 stopped by Ctrl-C, with everything committed kept.
"""

import atexit
import errno
import importlib
import os
import re
import signal
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path

# Lance reports on standard error what are no news to a user; before it is imported.
os.environ.setdefault("LANCE_LOG", "error")

from rich.console import Console
from rich.text import Text

from lauter.datasets.errors import LauterError, UsageError

STOPPED = 130
"""The exit code after Ctrl-C, as shells have it."""

COMMANDS = {
    "doctor": "say what is here, what is missing and how to get it",
    "plan": "say what would be asked and refused; with plan.pilot also what it will cost",
    "preview": "send a handful of requests through the whole pipeline and show them",
    "synthesize": "speak, score, judge and keep what the corpus does not have yet",
    "import": "bring in speech made elsewhere; it is scored, judged and kept like our own",
    "judge": "judge the corpus anew under a policy, without touching a model",
    "export": "write accepted speech as WebDataset shards or Lance, with its cards",
    "voices check": "look through the speaker book: bad recordings, voices that are near doubles",
    "voices add": "take the best stretch of a recording into the speaker book",
    "consent trace": "list every utterance, shard, student and release that a voice touched",
    "consent withdraw": "use a voice no more, and list what it touched",
    "consent grant": "write down what a voice may be used for",
    "codec train": "learn a dual codebook, its decoder and its vocoder from accepted speech",
    "codec encode": "give the corpus the codes of its speech",
    "codec report": "say how much of its books a codec uses and what it loses, by book",
    "teach": "ask a trained model about the corpus's codes, and keep its likeliest answers",
    "audit": "write the report: a page with plots and playable speech, and a table",
    "derive": "edit what a corpus has: noise, silence, sounds between words, and their inverses",
    "lineage": "draw how edited speech came about: chains of edits, their measures and sounds",
    "distill": "teach a student from exported speech codes, and go on where it stopped",
    "speak": "let a student say a text, or a file of texts, and write the sound",
    "write": "write texts to be said, for dialects, emotions and levels; by rules or by a model",
    "edit": "let a student change speech that is there, once and again",
    "serve": "let others ask a student over HTTP, in the words of OpenAI's API",
    "evaluate": "measure a student against its teacher on held-out texts, with a verdict",
    "trace": "say where a sound file comes from: its mark, its request, its ancestors",
    "scaling": "say how long a large plan takes on how many cards, what binds, what losses cost",
}

_BEGIN_ANEW = {"speak", "edit", "evaluate", "codec report", "scaling", "trace"}
"""Commands that do all of their work again."""
_BARE_WORD = {
    **dict.fromkeys(("consent trace", "consent withdraw", "consent grant"), "consent.voice"),
    "trace": "trace.file",
}
"""The setting that a word without `=` is, right after these commands."""
_WITH_A_SECOND_WORD = {name.split()[0] for name in COMMANDS if " " in name}


def main(arguments: Sequence[str] | None = None) -> None:
    """Run a command and exit with its code."""
    code = run(sys.argv[1:] if arguments is None else arguments)
    if code == STOPPED:
        _leave(code)
    sys.exit(code)


def _leave(code: int) -> None:
    """Exit in the middle of things.

    Threads of native libraries may still be at work, and abort the process if the interpreter is
    taken down beneath them. So only what was registered for the end is run: workers and a local
    Ray are ended. By then a further Ctrl-C has nothing to say.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def run(arguments: Sequence[str]) -> int:
    """Run a command and return its exit code; errors become one sentence on standard error."""
    debug = "--debug" in arguments
    words = [word for word in arguments if word != "--debug"]
    # No markup: texts, paths and names of gates may hold brackets.
    console = Console(highlight=False, markup=False, soft_wrap=not sys.stdout.isatty())
    complaints = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    if not words or words[0] in ("-h", "--help", "help"):
        console.print(_help())
        return 0 if words else UsageError.exit_code
    if words[0] == "--version":
        from importlib.metadata import version

        console.print(f"lauter {version('lauter')}")
        return 0
    length = 2 if words[0] in _WITH_A_SECOND_WORD else 1
    name, overrides = " ".join(words[:length]), words[length:]
    if name in _BARE_WORD and overrides and _is_bare(overrides[0]):
        overrides[0] = f"{_BARE_WORD[name]}={overrides[0]}"
    try:
        return _dispatch(name, overrides, console)
    except KeyboardInterrupt:
        goes_on = "" if name in _BEGIN_ANEW else ", and the same command goes on"
        complaints.print(f"stopped; what was written is kept{goes_on}")
        return STOPPED
    except LauterError as error:
        if debug:
            traceback.print_exc()
        complaints.print(Text(f"lauter {name}:", "red"), str(error))
        return error.exit_code
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        if debug:
            traceback.print_exc()
        if error.errno == errno.ENOSPC:
            sentence = "the disk is full; make room and run the same command again"
        elif error.filename is not None:
            sentence = f"{error.filename}: {error.strerror}; name another place, or mend this one"
        else:
            return _our_fault(name, error, complaints)
        complaints.print(Text(f"lauter {name}:", "red"), sentence)
        return UsageError.exit_code
    except Exception as error:
        if debug:
            traceback.print_exc()
        return _our_fault(name, error, complaints)


def _our_fault(name: str, error: Exception, complaints: Console) -> int:
    complaints.print(
        Text(f"lauter {name}:", "red"),
        f"something went wrong that should not have: {type(error).__name__}: {error}. "
        "Nothing committed is lost; run it again with --debug and report what it prints.",
    )
    return LauterError.exit_code


def _is_bare(word: str) -> bool:
    """Whether a word is neither a setting nor an option; a file may have `=` in its name."""
    return not re.search("^-|=", word) or Path(word).is_file()


def _dispatch(name: str, overrides: Sequence[str], console: Console) -> int:
    if name not in COMMANDS:
        import difflib

        near = difflib.get_close_matches(name, COMMANDS, 1)
        hint = f"did you mean '{near[0]}'?" if near else f"it has {', '.join(COMMANDS)}"
        raise UsageError(f"there is no command '{name}'; {hint}")
    from lauter.orchestration.loading import load_settings

    if any(word in ("-h", "--help") for word in overrides):
        console.print(f"lauter {name} [key=value ...]\n\n{COMMANDS[name]}\n")
        from lauter.orchestration.describe import describe

        console.print(describe([word for word in overrides if not word.startswith("-")]))
        return 0
    module = "import_" if name == "import" else name.replace(" ", "_")  # Python's own word
    room = importlib.import_module(f"lauter.orchestration.commands.{module}")
    code: int = room.run(load_settings(overrides, name), console)
    return code


def _help() -> str:
    width = max(map(len, COMMANDS))
    lines = [
        "lauter COMMAND [key=value ...] [--debug]",
        "",
        *(f"  {name:<{width}}  {meaning}" for name, meaning in COMMANDS.items()),
        "",
        "`lauter COMMAND --help` lists the settings, with teacher=NAME those of that teacher.",
        "Try `lauter preview` first.",
    ]
    return "\n".join(lines)
