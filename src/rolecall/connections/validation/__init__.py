"""Does provisioning through a SCIM connection work, from the first request to the last?"""
