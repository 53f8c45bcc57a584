"""How does a company of several identity providers live through a year with the served product?

Nothing below here imports Rolecall: the clients speak HTTP as identity providers do, and who must hold what is worked
out anew from the documentation.
"""
