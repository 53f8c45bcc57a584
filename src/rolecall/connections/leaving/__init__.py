"""What becomes of all that an identity provider has pushed when it is to push no longer?"""
