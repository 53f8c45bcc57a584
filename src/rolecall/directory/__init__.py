"""Who has access to Rolecall?"""
