"""Storage: files, folders and buckets that several processes share."""
