"""The same work for several repositories at once: nearly all of it is waiting for git and for the network."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, TypeVar

from generator.delivery.git.failures import combined
from generator.errors import FmcError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

Item = TypeVar("Item")
Result = TypeVar("Result")


def as_done(work: Callable[[Item], Result], items: Sequence[Item]) -> Iterator[tuple[int, Result | FmcError]]:
    """Do the work for all items in threads.

    Yields:
        The item's index and the result, or the FmcError that was raised instead, in the order in which they finish.
    """
    if not items:
        return
    with ThreadPoolExecutor(len(items), thread_name_prefix="delivery") as threads:
        futures = {threads.submit(work, item): index for index, item in enumerate(items)}
        for future in as_completed(futures):
            try:
                yield futures[future], future.result()
            except FmcError as error:
                yield futures[future], error


def each(work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """Do the work for all items in threads, and return the results in the items' order.

    Raises:
        FmcError: Some failed; one error tells all of them.
    """
    done = dict(as_done(work, items))
    outcomes = [done[index] for index in range(len(items))]
    errors = [outcome for outcome in outcomes if isinstance(outcome, FmcError)]
    if errors:
        raise combined(errors)
    return [outcome for outcome in outcomes if not isinstance(outcome, FmcError)]
