"""InterMamba in torch: the network of the paper's equations 6 to 13, its scan and its ONNX graphs."""
