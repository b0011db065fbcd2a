"""The store: PostgreSQL, embedded or given; migrations; SQL in `.sql` files."""

from evenhand.store.database import Database, open_database
from evenhand.store.queries import Queries

__all__ = ["Database", "Queries", "open_database"]
