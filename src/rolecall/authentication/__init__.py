"""Who is this, by which credential?"""
