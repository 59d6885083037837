"""What went wrong, told in napari's notifications and in the dock."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Protocol, TypeVar

from napari.utils.notifications import ErrorNotification, notification_manager, show_error

from napari_fastsam.errors import FastSAMError
from napari_fastsam.widgets.common.text import plain


class TellsErrors(Protocol):
    """Has a place where it says what is wrong."""

    def fail(self, error: FastSAMError) -> None:
        """Say it."""


P = ParamSpec("P")
T = TypeVar("T")
Teller = TypeVar("Teller", bound=TellsErrors)


def report_errors(method: Callable[Concatenate[Teller, P], T]) -> Callable[Concatenate[Teller, P], T | None]:
    """Let a method say what is wrong with what the user asks for, and return None then."""

    @wraps(method)
    def told(self: Teller, /, *args: P.args, **kwargs: P.kwargs) -> T | None:
        try:
            return method(self, *args, **kwargs)
        except FastSAMError as error:
            self.fail(error)
            return None

    return told


def notify(error: Exception, message: str | None = None) -> None:
    """Show an error in napari's notifications, whatever is in its text.

    Parameters
    ----------
    error
        One of ours is a sentence for the user; any other comes with its traceback.
    message
        What is said of one of ours; None = its own text.
    """
    if isinstance(error, FastSAMError):
        show_error(plain(message or str(error)))
        return
    notification = ErrorNotification(error)
    notification.message = plain(str(notification.message))
    notification_manager.dispatch(notification)
