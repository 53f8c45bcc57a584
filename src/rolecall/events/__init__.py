"""What happened, and who asked for it?"""
