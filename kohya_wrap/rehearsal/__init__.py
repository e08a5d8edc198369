"""The engine in miniature: a NumPy trainer that keeps what the wrapper sees of sd-scripts.

Wherever the two differ, the engine at the pin is right. Options that change only how fast or how well the
engine learns are read and ignored; one that would change its counts or files and is not played fails by name;
networks, optimizers and schedulers it does not know are played by simpler ones, which is said (`played`).
"""
