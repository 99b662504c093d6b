/* A history as it lies in a store, as features/entry_layout.py packs it: whole numbers of fixed widths, the highest byte
 * first. What comes from a store is not trusted: each number has to be one that could have been packed. */
#include "_big_endian.h"
enum { MARK_BYTES = 8, HEADER_BYTES = MARK_BYTES + 8 + 6, MINUTE = 60000 };

typedef struct { int amounts, amount_bytes, values; int64_t most_amount; const char *mark; } layout_t;

static inline int entry_bytes(const layout_t *layout)
{
    return 8 + 8 + 4 + layout->amount_bytes * layout->amounts + 6 * layout->values + 6;
}

static bool unpack_entry(const layout_t *layout, const uint8_t *at, int64_t *entry)
{
    int column = FIRST_VALUE;
    entry[TIME] = number_of(at, 8);
    entry[ID] = number_of(at += 8, 8);
    int64_t label = number_of(at += 8, 4);
    entry[LABEL] = label ? 2 * MINUTE * (label >> 1) + (label & 1) : MISSING;
    bool sound = entry[TIME] >= FIRST_TIME && entry[TIME] <= LAST_TIME && label >= 0;
    at += 4;
    for (int i = 0; i < layout->amounts; i++, at += layout->amount_bytes, column++) {
        entry[column] = number_of(at, layout->amount_bytes);
        if (entry[column] == lowest_of(layout->amount_bytes)) entry[column] = MISSING;
        else if (entry[column] > layout->most_amount || entry[column] < -layout->most_amount) sound = false;
    }
    for (int i = 0; i < layout->values; i++, at += 6, column++) {
        entry[column] = number_of(at, 6);
        if (entry[column] == lowest_of(6)) entry[column] = MISSING;
    }
    entry[RECEIVED] = number_of(at, 6);
    return sound && entry[RECEIVED] != lowest_of(6);
}

/* How many entries a packed history has and the latest time that was dropped; -1 where it is none of this layout. */
static int unpack(const plan_t *plan, const layout_t *layout, const uint8_t *value, int64_t size, int64_t *entries, int64_t *dropped)
{
    int64_t body = size - HEADER_BYTES, bytes = entry_bytes(layout);
    if (body < 0 || body % bytes || body / bytes > plan->kept || memcmp(value, layout->mark, MARK_BYTES)) return -1;
    int count = (int)(body / bytes);
    *dropped = number_of(value + MARK_BYTES, 8);
    if (*dropped != MISSING && (*dropped < FIRST_TIME || *dropped > LAST_TIME)) return -1;
    for (int i = 0; i < count; i++) {
        int64_t *entry = entries + (int64_t)i * plan->width;
        if (!unpack_entry(layout, value + HEADER_BYTES + i * bytes, entry)) return -1;
        if (i && !is_before(entry - plan->width, entry)) return -1;
    }
    return count;
}
