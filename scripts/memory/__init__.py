"""The memory and arithmetic of the engine's steps, simulated without a card: what the shipped memory model is made of.

Run in the engine's interpreter, in the folder of its source; nothing of it is needed at run time.
"""
