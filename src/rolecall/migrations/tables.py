"""Every room's tables, so that migrations, backup and checks see them all."""

from rolecall.authentication import tables as authentication
from rolecall.connections import tables as connections
from rolecall.directory import tables as directory
from rolecall.events import tables as events
from rolecall.graph import tables as graph
from rolecall.jobs import tables as jobs
from rolecall.mapping import tables as mapping
from rolecall.notifications import tables as notifications
from rolecall.storage import totals
from rolecall.storage.types import METADATA

ROOMS = (directory, authentication, connections, events, graph, jobs, mapping, notifications, totals)
"""Importing them fills `METADATA`."""

__all__ = ["METADATA", "ROOMS"]
