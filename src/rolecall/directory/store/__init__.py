"""How are the directory's rows read and written?"""
