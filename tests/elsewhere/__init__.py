"""The places where learners open a notebook without cloning: their environments, made anew on this machine."""
