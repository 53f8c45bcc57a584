"""How do machines talk to Rolecall?"""
