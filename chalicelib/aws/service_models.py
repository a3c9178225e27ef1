"""Where the SDK finds its service models, without looking into every folder first."""

import os
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path

from botocore.loaders import Loader


class ServiceModels(Loader):  # type: ignore[misc]  # botocore has no types
    """The SDK's loader, which takes a folder's name for the service it holds.

    The SDK opens each of its 430 folders twice to list the services it could call before it
    makes the first client: two fifths of making one. Which folder has the file is found out
    anyway when it is read, and a missing one raises the same error.
    """

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002 - the SDK's
        """The names of all folders on the search path."""
        return self._folder_names

    @cached_property
    def _folder_names(self) -> list[str]:
        folders = filter(os.path.isdir, self.search_paths)
        # Names alone: a path object for each would cost more than reading the folder.
        return sorted({name for folder in folders for name in os.listdir(folder)})  # noqa: PTH208


def service_models(search_path: str | None) -> ServiceModels:
    """A loader of what `AWS_DATA_PATH` names, then of what the SDK brings."""
    return ServiceModels(list(_folders(search_path or "")))


def _folders(search_path: str) -> Iterable[str]:
    for folder in filter(None, search_path.split(os.pathsep)):
        yield str(Path(os.path.expandvars(folder)).expanduser())
