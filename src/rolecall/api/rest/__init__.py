"""How do programs ask for anything but SCIM? The REST API below /api."""
