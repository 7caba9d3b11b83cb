"""`python -m famtree`."""

from famtree.cli.launch import launch

if __name__ == "__main__":
    launch()
