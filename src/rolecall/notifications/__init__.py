"""Who wants to be told of what happened, and how is it told?"""
