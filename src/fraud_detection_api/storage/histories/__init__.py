"""Where histories live online: in the memory of this process, or in Redis, packed in the same way."""
