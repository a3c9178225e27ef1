"""Why a local stack cannot do what was asked; every message tells the developer what to do next.

LocalFailure
    WrongSetting       an environment variable has a senseless value
    AlreadyRunning     another process works in the same SOUK_HOME
    PortInUse          another program listens on SOUK_PORT
    StaleState         the saved state was written by other versions
    EngineStopped      the embedded AWS ended, or never answered
    PackagingFailed    the app or the template is broken
    DeploymentFailed   CloudFormation refused the template
    NotAnswering       it is deployed, but the API does not answer
    NotRunning         a command needs a running stack and there is none
    UnknownFunction    no Lambda function has that name
    SeedingFailed      the API refused the demo data
"""


class LocalFailure(Exception):
    """Something a developer can act on; `detail` is an optional block shown below the line."""

    def __init__(self, message: str, detail: str = "") -> None:
        """Keep the line that names the cause and the remedy, and the evidence for it."""
        super().__init__(message)
        self.detail = detail


class WrongSetting(LocalFailure):
    """An environment variable has a senseless value."""


class AlreadyRunning(LocalFailure):
    """Another process works in the same SOUK_HOME."""


class PortInUse(LocalFailure):
    """Another program listens on SOUK_PORT."""


class StaleState(LocalFailure):
    """The saved state was written by other versions than those installed."""


class EngineStopped(LocalFailure):
    """The embedded AWS ended, or never answered."""


class PackagingFailed(LocalFailure):
    """The app or the merge template is broken."""


class DeploymentFailed(LocalFailure):
    """CloudFormation refused the template."""


class NotAnswering(LocalFailure):
    """Everything is deployed, but the API does not answer as it should."""


class NotRunning(LocalFailure):
    """The command needs a running stack, and there is none."""


class UnknownFunction(LocalFailure):
    """No Lambda function has that name."""


class SeedingFailed(LocalFailure):
    """The API refused a piece of the demo data."""
