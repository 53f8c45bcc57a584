"""What becomes of a change of a SCIM connection that would take away too much?"""
