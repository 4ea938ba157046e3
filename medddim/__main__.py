"""`python -m medddim`, for where the folder of scripts is not on the PATH."""

from medddim.cli import main

if __name__ == "__main__":  # processes that are spawned import this file, too
    main()
