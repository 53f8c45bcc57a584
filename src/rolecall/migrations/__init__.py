"""How does a database get from one version of Rolecall to the next, and back?"""
