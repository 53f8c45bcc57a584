"""Every room's tables, so that migrations, backup and checks see them all."""

from rolecall.authentication import tables as authentication
from rolecall.directory import tables as directory
from rolecall.events import tables as events
from rolecall.jobs import tables as jobs
from rolecall.notifications import tables as notifications
from rolecall.storage.types import METADATA

ROOMS = (directory, authentication, events, jobs, notifications)
"""Importing them fills `METADATA`."""

__all__ = ["METADATA", "ROOMS"]
