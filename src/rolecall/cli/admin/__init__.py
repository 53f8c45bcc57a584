"""What can an administrator do on the machine where Rolecall runs, also while it serves?"""
