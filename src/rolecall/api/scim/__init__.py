"""How does SCIM travel over HTTP (RFC 7644)?"""
