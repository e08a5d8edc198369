"""kohya-wrap: from a folder of images to a trained LoRA, around kohya-ss/sd-scripts."""

__version__ = "0.1.0"
