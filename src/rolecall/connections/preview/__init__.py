"""What would a change touch, and who would gain and lose what, if it were made?"""
