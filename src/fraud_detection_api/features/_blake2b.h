/* BLAKE2b with a secret key (RFC 7693): what hashlib gives, without a Python object for each hash. */
#include <stdint.h>
#include <string.h>

enum { BLOCK_BYTES = 128, FIRST_BYTES = 32, ROUNDS = 12 }; /* of the first block, those that are given */

typedef struct {
    uint64_t first[8], keyed[8]; /* before and after the block of the secret, which comes before every text */
    uint8_t first_block[BLOCK_BYTES]; /* the secret */
} blake2b_t;

static const uint64_t START[8] = {
    0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b, 0xa54ff53a5f1d36f1,
    0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b, 0x5be0cd19137e2179,
};
static const uint8_t ORDER[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
};

static inline uint64_t turned(uint64_t word, int bits) { return word >> bits | word << (64 - bits); }

static inline void mix(uint64_t *a, uint64_t *b, uint64_t *c, uint64_t *d, uint64_t x, uint64_t y)
{
    *a += *b + x, *d = turned(*d ^ *a, 32), *c += *d, *b = turned(*b ^ *c, 24);
    *a += *b + y, *d = turned(*d ^ *a, 16), *c += *d, *b = turned(*b ^ *c, 63);
}

/* One block of so many bytes in all so far. */
static void compress(uint64_t *state, const uint8_t *block, uint64_t bytes, bool is_last)
{
    uint64_t words[16], work[16];
    for (int i = 0; i < 16; i++) {
        words[i] = 0;
        for (int byte = 8; byte-- > 0;) words[i] = words[i] << 8 | block[8 * i + byte];
    }
    memcpy(work, state, 8 * sizeof *state);
    memcpy(work + 8, START, sizeof START);
    work[12] ^= bytes;
    if (is_last) work[14] = ~work[14];
    for (int round = 0; round < ROUNDS; round++) {
        const uint8_t *at = ORDER[round % 10];
        for (int i = 0; i < 4; i++) mix(work + i, work + 4 + i, work + 8 + i, work + 12 + i, words[at[2 * i]], words[at[2 * i + 1]]);
        for (int i = 0; i < 4; i++)
            mix(work + i, work + 4 + (i + 1) % 4, work + 8 + (i + 2) % 4, work + 12 + (i + 3) % 4, words[at[8 + 2 * i]], words[at[9 + 2 * i]]);
    }
    for (int i = 0; i < 8; i++) state[i] ^= work[i] ^ work[i + 8];
}

static void set_secret(blake2b_t *hash, const uint8_t *secret, int digest_bytes)
{
    memcpy(hash->first_block, secret, FIRST_BYTES);
    memcpy(hash->first, START, sizeof START);
    hash->first[0] ^= 0x01010000 ^ (uint64_t)FIRST_BYTES << 8 ^ (uint64_t)digest_bytes;
    memcpy(hash->keyed, hash->first, sizeof hash->first);
    compress(hash->keyed, hash->first_block, BLOCK_BYTES, false);
}

/* The first bytes of the digest of a text, as many as are wanted. */
static void digest(const blake2b_t *hash, const uint8_t *text, size_t bytes, uint8_t *out, int wanted)
{
    uint64_t state[8];
    uint8_t block[BLOCK_BYTES] = {0};
    size_t done = 0;
    memcpy(state, bytes ? hash->keyed : hash->first, sizeof state);
    for (; bytes - done > BLOCK_BYTES; done += BLOCK_BYTES) compress(state, text + done, BLOCK_BYTES + done + BLOCK_BYTES, false);
    if (bytes) memcpy(block, text + done, bytes - done);
    compress(state, bytes ? block : hash->first_block, BLOCK_BYTES + bytes, true);
    for (int i = 0; i < wanted; i++) out[i] = (uint8_t)(state[i / 8] >> 8 * (i % 8));
}
