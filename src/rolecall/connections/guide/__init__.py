"""What has an administrator to do until an identity provider pushes, and what has it called so far?"""
