"""`python -m famtree`."""

from famtree.cli.app import launch

if __name__ == "__main__":
    launch()
