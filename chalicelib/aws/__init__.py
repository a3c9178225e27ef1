"""The only place where AWS is spoken to: clients, table, queues, secrets, settings."""
