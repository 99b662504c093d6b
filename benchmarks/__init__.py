"""What the README's figures come from: one command each, every figure a ratio measured in one run."""
