"""Who can do what, everywhere?"""
