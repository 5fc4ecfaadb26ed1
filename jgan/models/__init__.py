"""Networks, one file per paper; here what must be known of them without importing Jittor."""

DCGAN_SIZES = (16, 32, 64, 128, 256)
