"""Which pure basics does every room speak?"""
