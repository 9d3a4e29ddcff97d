"""Model bundles: folders that hold everything a sampler needs."""
