"""Where does what we hold differ from what an identity provider says, and how is that repaired?"""
