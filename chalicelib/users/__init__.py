"""Users: accounts, sessions, second factors, addresses; who calls and what they may do."""
