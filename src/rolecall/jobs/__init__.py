"""What must happen later?"""
