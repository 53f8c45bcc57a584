"""How is data kept, for any room?"""
