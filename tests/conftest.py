"""What holds for every test?"""

import hypothesis

pytest_plugins = ["tests.no_skips", "tests.make.fixtures"]

# Two cores run this beside databases and browsers: a slow example says nothing about the code.
hypothesis.settings.register_profile("house", deadline=None, print_blob=True)
hypothesis.settings.load_profile("house")
