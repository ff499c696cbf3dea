"""What can go wrong, as exceptions. Each has the library's sentence, and the place where a file or text is wrong."""
from __future__ import annotations

from typing import TYPE_CHECKING, Optional

if TYPE_CHECKING:
    from ._results import Result


class Error(Exception):
    """Base of all errors of this package.

    file: what is wrong, a path or the name of a text such as "<requests>"; None: no file. line, column: from 1 (a column counts bytes);
    None where there is none. Requests that were given as a list are one a line, so line 3 is the third. result: of a command, the report
    that it made all the same.
    """

    def __init__(self, message: str, file: Optional[str] = None, line: Optional[int] = None, column: Optional[int] = None) -> None:
        super().__init__(message)
        self.message, self.file, self.line, self.column = message, file, line, column
        self.result: Optional["Result"] = None


class LibraryError(Error, ImportError):
    """libpagesim cannot be found or loaded, or is of another version."""


class Failed(Error, RuntimeError):
    """Out of memory, a file that cannot be written, a stall or an abort of a command's replay."""


class UsageError(Error, ValueError):
    """An unknown key, option, value or figure; the message offers the nearest one."""


class BadInput(Error, ValueError):
    """A trace or configuration says something wrong; file, line and column say where."""


class RequirementNotMet(Error):
    """What `require` says does not hold; `result` has the report."""


class Interrupted(Error):
    """A callback returned False."""


class PagesimWarning(UserWarning):
    """Something may not be what was meant; also in `result.warnings`."""


BY_STATUS = {1: Failed, 2: UsageError, 3: BadInput, 4: RequirementNotMet, 130: Interrupted}
