/* Whole numbers of a fixed width, the highest byte first. */
#include <stdint.h>

static inline int64_t number_of(const uint8_t *at, int bytes)
{
    uint64_t found = 0;
    for (int i = 0; i < bytes; i++) found = found << 8 | at[i];
    int unused = 64 - 8 * bytes;
    return (int64_t)(found << unused) >> unused;
}

static inline void put_number(uint8_t *at, int64_t number, int bytes)
{
    for (int i = bytes; i-- > 0; number >>= 8) at[i] = (uint8_t)number;
}

static inline int64_t lowest_of(int bytes) { return INT64_MIN >> (64 - 8 * bytes); }

/* Times of records in milliseconds since 1970. */
#define FIRST_TIME -62135596800000LL /* the year 1 */
#define LAST_TIME 253402300799999LL  /* the end of the year 9999 */
