"""`python -m kohya_wrap`: the same as the command `kohya-wrap`."""

from kohya_wrap.cli import main

if __name__ == "__main__":
    main()
