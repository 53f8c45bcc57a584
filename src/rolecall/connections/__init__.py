"""Which identity providers push to us, and what may each of them do?"""
