"""`python -m famtree`."""

from famtree.cli.app import main

if __name__ == "__main__":
    main()
