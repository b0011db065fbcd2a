"""What is told to the outside: the outbox, the log that is read from it, and webhooks."""
