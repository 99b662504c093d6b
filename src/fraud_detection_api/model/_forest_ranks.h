/* How _forest_score.h turns numbers into byte codes. A value is ranked once among the thresholds that all trees have for
 * its feature, and a table translates that rank for each group of trees. Its place on an even scale says between which
 * few thresholds to look; thresholds have their places by the same arithmetic, so that rounding changes nothing. */
INLINE int place_of(const guide_t *guide, float value) {
    float above = value - guide->least, place = above * guide->scale;
    return (int)(place > 0 ? place < PLACES - 1 ? place : PLACES - 1 : 0); /* 0 for NaN, too */
}

static int ascending(const void *one, const void *other) {
    float a = *(const float *)one, b = *(const float *)other;
    return (a > b) - (a < b);
}

/* The thresholds of all groups, of one feature after the other, each once. */
static void merge_cuts(forest_t *f) {
    for (int j = 0; j < f->features; j++) {
        float *merged = f->merged + f->merged_ends[j];
        size_t count = 0, kept = 0;
        for (size_t at = (size_t)j; at < (size_t)f->groups * f->features; at += (size_t)f->features) {
            int start = at ? f->cut_ends[at - 1] : 0, size = f->cut_ends[at] - start;
            memcpy(merged + count, f->cuts + start, (size_t)size * sizeof *merged);
            count += (size_t)size;
        }
        qsort(merged, count, sizeof *merged, ascending);
        for (size_t i = 0; i < count; i++)
            if (!kept || merged[i] != merged[kept - 1]) merged[kept++] = merged[i];
        f->merged_ends[j + 1] = f->merged_ends[j] + (int32_t)kept;
    }
}

static int most_of(const guide_t *guide, const float *cuts, int count) {
    int most = 0;
    for (int i = 0, first = 0; i < count; i++) {
        if (place_of(guide, cuts[i]) != place_of(guide, cuts[first])) first = i;
        if (most <= i - first) most = i - first + 1;
    }
    return most;
}

/* Places between the outermost thresholds, or closer ones, where a few lie far out: whichever tell most apart. */
static guide_t best_guide(const float *cuts, int count) {
    guide_t best = {.most = count};
    for (int beyond = 64; beyond >= 1; beyond /= 4) {
        float least = cuts[count / beyond % count], range = cuts[count - 1 - count / beyond % count] - least;
        guide_t guide = {least, PLACES / range, 0};
        guide.most = most_of(&guide, cuts, count);
        if (guide.most < best.most) best = guide;
    }
    return best;
}

/* Where each place's thresholds start; never so late that `most` of them would go beyond the feature's last. */
static void plan_guide(const forest_t *f, int j) {
    const float *cuts = f->merged + f->merged_ends[j];
    int count = f->merged_ends[j + 1] - f->merged_ends[j];
    uint32_t *starts = f->guide_starts + (size_t)j * PLACES;
    if (!count) return;
    const guide_t guide = f->guides[j] = best_guide(cuts, count);
    for (int place = 0, done = 0; place < PLACES; place++) {
        starts[place] = (uint32_t)(done < count - guide.most ? done : count - guide.most);
        while (done < count && place_of(&guide, cuts[done]) == place) done++;
    }
}

/* A group's code of each rank among all thresholds of a feature; that of a missing value comes last, and is 0. */
static void translate(forest_t *f, size_t at, int j) {
    const float *merged = f->merged + f->merged_ends[j], *cuts = f->cuts + (at ? f->cut_ends[at - 1] : 0);
    int all = f->merged_ends[j + 1] - f->merged_ends[j], count = f->cut_ends[at] - (at ? f->cut_ends[at - 1] : 0);
    int8_t *codes = f->codes + at / f->features * codes_width(f) + f->merged_ends[j] + 2 * (size_t)j;
    codes[0] = codes[all + 1] = -SIGN;
    for (int rank = 0, reached = 0; rank < all; rank++) {
        while (reached < count && cuts[reached] <= merged[rank]) reached++;
        codes[rank + 1] = (int8_t)(reached - SIGN);
    }
}

/* Without a table of codes, which many groups would make large, each group ranks for itself. */
static int plan_ranks(forest_t *f) {
    size_t ends = (size_t)f->groups * f->features, cuts = (size_t)f->cut_ends[ends - 1];
    f->merged = malloc((cuts ? cuts : 1) * sizeof *f->merged);
    f->merged_ends = calloc((size_t)f->features + 1, sizeof *f->merged_ends);
    f->guides = calloc((size_t)f->features, sizeof *f->guides);
    f->guide_starts = calloc((size_t)f->features, PLACES * sizeof *f->guide_starts);
    if (!f->merged || !f->merged_ends || !f->guides || !f->guide_starts) return -1;
    merge_cuts(f);
    if (f->groups * codes_width(f) > MOST_CODES) return 0;
    for (int j = 0; j < f->features; j++) plan_guide(f, j);
    f->codes = calloc((size_t)f->groups, codes_width(f));
    for (size_t at = 0; f->codes && at < ends; at++) translate(f, at, (int)(at % f->features));
    return f->codes ? 0 : -1;
}

/* How many cuts each value reaches, one halving for all rows at a time; a missing one is beyond the last. */
INLINE void reach(const float *values, int rows, const float *cuts, int count, int left, uint32_t *reached) {
    while (left > 0) {
        int half = left > 1 ? left / 2 : 1;
        for (int i = 0; i < rows; i++) reached[i] += (uint32_t)half * (cuts[reached[i] + half - 1] <= values[i]);
        left -= half;
    }
    for (int i = 0; i < rows; i++) reached[i] = isnan(values[i]) ? (uint32_t)count + 1 : reached[i];
}

/* Among the thresholds of all groups, from what a value's place says; a missing one has any place. */
INLINE void rank(const forest_t *f, const float *values, int rows, int j, uint32_t *reached) {
    const uint32_t *starts = f->guide_starts + (size_t)j * PLACES;
    const guide_t guide = f->guides[j];
    int first = f->merged_ends[j];
    for (int i = 0; i < rows; i++) reached[i] = (uint32_t)place_of(&guide, values[i]);
    for (int i = 0; i < rows; i++) reached[i] = starts[reached[i]];
    reach(values, rows, f->merged + first, f->merged_ends[j + 1] - first, guide.most, reached);
}

/* Codes are signed for SSE2 and AVX2; without a table a rank is its own code. */
INLINE void code(const uint32_t *reached, int rows, int count, const int8_t *codes, int8_t *restrict low,
                 int8_t *restrict high) {
    const uint32_t last = (uint32_t)count;
    if (codes) for (int i = 0; i < rows; i++) low[i] = codes[reached[i]];
    else for (int i = 0; i < rows; i++) low[i] = (int8_t)((reached[i] > last ? 0 : (int)reached[i]) - SIGN);
    for (int i = 0; i < rows; i++) {
        int8_t missing = (int8_t)-(reached[i] > last);
        high[i] = (int8_t)((low[i] & ~missing) | ((MOST_CUTS - SIGN) & missing));
    }
}

/* The columns of one feature for one group; its values were ranked for the first group. */
INLINE void code_feature(const forest_t *f, const float *matrix, int rows, int group, int j, uint32_t *ranks,
                         int8_t *low) {
    float values[BLOCK];
    size_t at = (size_t)group * f->features + j;
    int start = at ? f->cut_ends[at - 1] : 0, count = f->cut_ends[at] - start;
    int all = f->merged_ends[j + 1] - f->merged_ends[j];
    if (f->codes) ranks += (size_t)j * BLOCK;
    if (!group || !f->codes)
        for (int i = 0; i < rows; i++) values[i] = matrix[(size_t)i * f->features + j];
    if (!group && f->codes) rank(f, values, rows, j, ranks);
    if (!count) return;
    if (f->codes) {
        const int8_t *codes = f->codes + group * codes_width(f) + f->merged_ends[j] + 2 * (size_t)j;
        code(ranks, rows, all, codes, low, low + BLOCK);
    } else {
        memset(ranks, 0, (size_t)rows * sizeof *ranks);
        reach(values, rows, f->cuts + start, count, count, ranks);
        code(ranks, rows, count, NULL, low, low + BLOCK);
    }
}
