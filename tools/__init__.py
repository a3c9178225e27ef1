"""Commands and checks of the house that neither Lambda nor the shop needs."""
