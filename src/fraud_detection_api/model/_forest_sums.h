/* How _forest_score.h sums leaves; included once for each type that they are summed in, REAL, and so without a guard.
 * The order of the additions is part of the promise: the trees' own, one after the other. */
INLINE void IN_REAL(descend)(const forest_t *f, int first, const cell_t *row, REAL *sum, int mixed) {
    int count = f->trees - first < TOGETHER ? f->trees - first : TOGETHER;
    const node_t *at[TOGETHER];
    for (int k = 0; k < TOGETHER; k++) at[k] = f->nodes + f->starts[first + (k < count ? k : 0)];
    for (int level = f->depths[first / TOGETHER], moves = 1; moves && level > 0;) {
        for (int ahead = level < CHECKED ? level : CHECKED; ahead > 0; ahead--, level--)
            for (int k = 0; k < TOGETHER; k++) at[k] += at[k]->down + is_right(f, at[k], row, mixed);
        moves = 0; /* deep trees are deep in a few places: most rows are at their leaves long before */
        for (int k = 0; k < TOGETHER; k++) moves |= at[k]->down;
    }
    for (int k = 0; k < count; k++) *sum += ((const REAL *)f->values)[at[k] - f->nodes];
}

static int IN_REAL(walk)(const forest_t *f, const float *matrix, Py_ssize_t rows, void *out) {
    REAL *sums = out;
    size_t width = 2 * (size_t)f->features + f->categories;
    cell_t *cells = malloc(64 * width * sizeof *cells);
    if (!cells) return -1;
    for (Py_ssize_t done = 0; done < rows; done += 64) {
        int count = rows - done < 64 ? (int)(rows - done) : 64;
        for (int i = 0; i < count; i++) {
            expand(f, matrix + (done + i) * f->features, cells + i * width, 1);
            sums[done + i] = f->base;
        }
        for (int tree = 0; tree < f->trees; tree += TOGETHER) /* trees outside: they stay in the nearest cache */
            for (int i = 0; i < count; i++)
                if (f->categories) IN_REAL(descend)(f, tree, cells + i * width, sums + done + i, 1);
                else IN_REAL(descend)(f, tree, cells + i * width, sums + done + i, 0);
    }
    free(cells);
    return 0;
}

#if LANES
INLINE void IN_REAL(add_one)(const forest_t *f, int part, const uint8_t *slot, int rows, REAL *sums) {
    const REAL *leaves = (const REAL *)f->leaves + f->leaf_starts[part];
    for (int i = 0; i < rows; i++) sums[i] += leaves[slot[i]];
}

/* Four parts' leaves, still added one after the other: a sum is then loaded and stored a fourth as often. */
INLINE void IN_REAL(add_four)(const forest_t *f, int part, const uint8_t *slot, size_t size, int rows, REAL *sums) {
    const REAL *leaves = f->leaves, *a = leaves + f->leaf_starts[part], *b = leaves + f->leaf_starts[part + 1];
    const REAL *c = leaves + f->leaf_starts[part + 2], *d = leaves + f->leaf_starts[part + 3];
    for (int i = 0; i < rows; i++) {
        REAL sum = sums[i] + a[slot[i]];
        sum += b[slot[size + i]];
        sum += c[slot[2 * size + i]];
        sums[i] = sum + d[slot[3 * size + i]];
    }
}

VECTORS
static void IN_REAL(score_block)(const forest_t *f, const float *matrix, int rows, REAL *sums, int8_t *columns,
                                 uint32_t *ranks) {
    size_t size = (size_t)f->slots * BLOCK;
    int8_t *slots = columns + (size_t)f->columns * BLOCK;
    code_categories(f, matrix, rows, columns);
    for (int group = 0, part = 0; group < f->groups; group++) {
        for (int j = 0; j < f->features; j++)
            code_feature(f, matrix, rows, group, j, ranks, columns + (size_t)(CELLS + 2 * j) * BLOCK);
        for (int end = f->part_ends[f->group_ends[group]]; part < end;) {
            int parts = end - part < ADDED ? 1 : ADDED;
            for (int k = 0; k < parts; k++)
                for (size_t at = f->step_ends[part + k]; at < f->step_ends[part + k + 1]; at++)
                    run(f->steps + at, columns, slots + k * size, (rows + LANES - 1) / LANES);
            if (parts == 1) IN_REAL(add_one)(f, part, (const uint8_t *)slots, rows, sums);
            else IN_REAL(add_four)(f, part, (const uint8_t *)slots, size, rows, sums);
            part += parts;
        }
    }
}

static int IN_REAL(score_blocks)(const forest_t *f, const float *matrix, Py_ssize_t rows, void *out) {
    REAL *sums = out;
    char *cells = calloc((size_t)f->columns + (size_t)ADDED * f->slots + 1, BLOCK);
    int8_t *columns = (int8_t *)((uintptr_t)cells / BLOCK * BLOCK + BLOCK); /* lanes that lie in one line of the cache */
    uint32_t *ranks = malloc((f->codes ? (size_t)f->features : 1) * BLOCK * sizeof *ranks);
    int failed = cells && ranks ? 0 : -1;
    for (Py_ssize_t done = 0; !failed && done < rows; done += BLOCK) {
        int count = rows - done < BLOCK ? (int)(rows - done) : BLOCK;
        for (int i = 0; i < count; i++) sums[done + i] = f->base;
        IN_REAL(score_block)(f, matrix + done * f->features, count, sums + done, columns, ranks);
    }
    free(cells);
    free(ranks);
    return failed;
}
#endif
