/* What a history says of a record: statistics over what a key has done strictly before it. The same lines serve a stream
 * of records that is read from files and the few entries that a store gave back, so that both have the same bits:
 * everything is counted in whole numbers, and each statistic rounds once, at its end. */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* An entry is a row of whole numbers: these, then its amounts and texts (their hashes), MISSING where there is none. */
enum { TIME, ID, RECEIVED, LABEL, FIRST_VALUE };
enum { NEW, COUNT, SUM, MEAN, DEVIATION, SMALLEST, LARGEST, RATIO, DISTINCT, SAME, KNOWN, SINCE, FRAUDS, FRAUD_SHARE, KINDS };
enum { TRUNCATED = 1, COLD = 2, REPEATED = 4 };
enum { MOST_KEPT = 4096, MOST_WINDOWS = 64, MOST_WIDTH = 64, MOST_STATISTICS = 65536 };
#define MOST_SPAN (INT64_MAX >> 2) /* milliseconds: more than all times of records are apart */
#define MISSING INT64_MIN

typedef struct { int64_t records, span; } window_t; /* so many at most, so many milliseconds at most; 0 is no bound */
typedef struct { int64_t kind, window, column, argument; } statistic_t; /* argument: a scale, or the delay of labels */
typedef struct { int64_t count, sum, squares, smallest, largest; } sums_t;

typedef struct {
    int kept, amounts, width, windows, statistics;
    const window_t *window;
    const statistic_t *statistic;
} plan_t;

/* The entries that a record may see, the latest first, and how many of them each window holds. */
typedef struct { int count, held[MOST_WINDOWS]; const int64_t *entry[MOST_KEPT]; } seen_t;

static inline bool is_before(const int64_t *one, const int64_t *other)
{
    return one[TIME] < other[TIME] || (one[TIME] == other[TIME] && one[ID] < other[ID]);
}

static inline int held_by(const window_t *window, const seen_t *seen, int64_t time)
{
    int count = seen->count, most = window->records && window->records < count ? (int)window->records : count;
    if (!window->span) return most;
    for (count = 0; count < most && seen->entry[count][TIME] >= time - window->span; count++);
    return count;
}

/* Whether a window would have held more than is kept: what was dropped may lie within it. */
static inline bool is_short(const window_t *window, const seen_t *seen, int held, int64_t time, int64_t dropped)
{
    if (dropped == MISSING || held < seen->count || (window->records && held == window->records)) return false;
    return !window->span || dropped >= time - window->span;
}

/* Entries stand in the order of their times; those that arrived after the record are not seen. */
static inline uint8_t look_back(const plan_t *plan, const int64_t *entries, int count, int64_t dropped,
                                const int64_t *record, seen_t *seen)
{
    uint8_t flags = 0;
    seen->count = 0;
    for (const int64_t *entry = entries + (int64_t)count * plan->width; entry > entries;) {
        entry -= plan->width;
        if (entry[RECEIVED] <= record[RECEIVED] && is_before(entry, record)) seen->entry[seen->count++] = entry;
    }
    for (int i = 0; i < plan->windows; i++) {
        seen->held[i] = held_by(plan->window + i, seen, record[TIME]);
        if (is_short(plan->window + i, seen, seen->held[i], record[TIME], dropped)) flags |= TRUNCATED;
    }
    return flags | (seen->count || dropped != MISSING ? 0 : COLD);
}

static inline sums_t sums_of(const seen_t *seen, int held, int column)
{
    sums_t sums = {0, 0, 0, INT64_MAX, INT64_MIN};
    for (int i = 0; i < held; i++) {
        int64_t value = seen->entry[i][column];
        if (value == MISSING) continue;
        sums.count++;
        sums.sum += value;
        sums.squares += value * value;
        if (value < sums.smallest) sums.smallest = value;
        if (value > sums.largest) sums.largest = value;
    }
    return sums;
}

static inline double of_amounts(const statistic_t *statistic, const sums_t *sums, int64_t value)
{
    double scale = (double)statistic->argument, count = (double)sums->count;
    switch (statistic->kind) {
    case SUM: return (double)sums->sum / scale;
    case MEAN: return sums->count ? (double)sums->sum / (count * scale) : NAN;
    case DEVIATION:
        return sums->count ? sqrt((double)(sums->count * sums->squares - sums->sum * sums->sum)) / (count * scale) : NAN;
    case SMALLEST: return sums->count ? (double)sums->smallest / scale : NAN;
    case LARGEST: return sums->count ? (double)sums->largest / scale : NAN;
    default: return sums->sum && value != MISSING ? (double)(value * sums->count) / (double)sums->sum : NAN;
    }
}

static inline double distinct(const seen_t *seen, int held, int column)
{
    int found = 0;
    for (int i = 0; i < held; i++) {
        int64_t value = seen->entry[i][column];
        bool is_new = value != MISSING;
        for (int j = 0; is_new && j < i; j++) is_new = seen->entry[j][column] != value;
        found += is_new;
    }
    return found;
}

static inline double is_known(const seen_t *seen, int held, int column, int64_t value)
{
    if (value == MISSING || !held) return NAN;
    for (int i = 0; i < held; i++) if (seen->entry[i][column] == value) return 1;
    return 0;
}

/* A label is twice the time at which it was known, and one more for a fraud; MISSING where nobody knows. */
static inline double frauds(const seen_t *seen, int held, int64_t known_by, bool share)
{
    int known = 0, found = 0;
    for (int i = 0; i < held; i++) {
        int64_t label = seen->entry[i][LABEL];
        if (label == MISSING || label >> 1 > known_by) continue;
        known++;
        found += (int)(label & 1);
    }
    return !share ? found : known ? (double)found / known : NAN;
}

/* All statistics of one record; sums are kept from one statistic to the next of the same window and column. */
static inline void answer(const plan_t *plan, const seen_t *seen, uint8_t flags, const int64_t *record, double *out)
{
    int64_t window = -1, column = -1;
    sums_t sums = {0};
    for (int i = 0; i < plan->statistics; i++) {
        const statistic_t *statistic = plan->statistic + i;
        int held = seen->held[statistic->window], at = (int)statistic->column;
        switch (statistic->kind) {
        case NEW: out[i] = flags & COLD ? 1 : 0; break;
        case COUNT: out[i] = held; break;
        case DISTINCT: out[i] = distinct(seen, held, at); break;
        case SAME: out[i] = is_known(seen, held ? 1 : 0, at, record[at]); break;
        case KNOWN: out[i] = is_known(seen, held, at, record[at]); break;
        case SINCE: out[i] = held ? (double)(record[TIME] - seen->entry[0][TIME]) / 1000 : NAN; break;
        case FRAUDS: case FRAUD_SHARE:
            out[i] = frauds(seen, held, record[TIME] - statistic->argument, statistic->kind == FRAUD_SHARE);
            break;
        default:
            if (window != statistic->window || column != statistic->column) sums = sums_of(seen, held, at);
            window = statistic->window, column = statistic->column;
            out[i] = of_amounts(statistic, &sums, record[at]);
        }
    }
}
