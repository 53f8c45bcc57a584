"""What can a database refuse, in one word for both kinds?"""


class UniqueViolation(Exception):
    """A row with this unique value exists. `constraint` names columns (SQLite) or constraint (PostgreSQL)."""

    def __init__(self, constraint: str) -> None:
        super().__init__(constraint)
        self.constraint = constraint


class OutOfTime(Exception):
    """The database was still busy when the time that it had was over."""
