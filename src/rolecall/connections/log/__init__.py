"""What did an identity provider send, and who gained or lost what because of it?"""
