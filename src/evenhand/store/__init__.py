"""The store: PostgreSQL, embedded or given; migrations; SQL in `.sql` files."""

from evenhand.store.database import CUT_OFF, Database, open_database
from evenhand.store.queries import Queries

__all__ = ["CUT_OFF", "Database", "Queries", "open_database"]
