"""How is a long log searched by condition, or followed without a gap?"""
