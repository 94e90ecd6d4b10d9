"""SparkVSR: keyframe-guided video super-resolution. Tensors in, tensors out; knows no sockets and no hosts."""
