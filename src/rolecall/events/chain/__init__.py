"""How does the audit log show that somebody has changed it?"""
