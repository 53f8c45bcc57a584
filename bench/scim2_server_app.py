"""What is scim2-server, the peer that Rolecall is measured against, served as?

Its own ASGI application with its own storage in memory, as it comes: `uvicorn --app-dir bench scim2_server_app:app`.
"""

from scim2_server.applications.asgi import ASGIApplication
from scim2_server.memory import AsyncInMemoryStorage
from scim2_server.utils import load_default_provider

app = ASGIApplication(AsyncInMemoryStorage(), load_default_provider())
