"""Errors that speak to the person at the keyboard.

A message names the thing, says what is wrong with it and what to do. The command line prints it
as one sentence and exits with ``exit_code``; a traceback is shown only with ``--debug``.
"""


class LauterError(Exception):
    """Something Lauter could not do; the message is a sentence for the user."""

    exit_code = 1


class UsageError(LauterError):
    """What the caller asked for cannot be done as asked: bad input, option or file."""

    exit_code = 2


class QualityGateMissedError(LauterError):
    """The run finished, and its result is worse than the caller allowed."""

    exit_code = 3
