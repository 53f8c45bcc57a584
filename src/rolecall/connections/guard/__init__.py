"""How is an identity provider kept from taking away much more than it is likely to mean?"""
