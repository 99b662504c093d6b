/* How _forest.c explains: what each feature adds to a row's margin, as exact Shapley values over the trees' paths.
 * Without knowledge of a feature a row goes both ways, by the cover (the weight of the training rows) of either child.
 * A feature's part of one leaf is  leaf * (held - share) * the integral over t from 0 to 1 of the product, over the
 * other features on the path, of  (1 - t) * share + t * held.  share is what all its splits on the path let through of
 * the training rows, held is 1 if they let this row through, else 0. The product is a polynomial in t, so that a Gauss
 * sum with half as many points as features is exact. A tree is gone down once for a block of rows, each point of each
 * row with its product so far, and on the way up every split adds what it changed in its feature's part. */
#include <float.h>
#include "_forest_score.h"

#if LANES
enum { GROUP = 2 };
typedef double group_t __attribute__((vector_size(GROUP * sizeof(double)), aligned(8)));
#else
enum { GROUP = 1 };
typedef double group_t;
#endif
enum { ROWS = 16, GROUPS = ROWS / GROUP }; /* rows that go down together, in groups that fit a vector */

/* A split on the way down, and what its feature's splits have let through so far. */
typedef struct { double share; group_t held[GROUPS]; } passed_t;
typedef struct {
    const forest_t *f;
    const double *at;        /* the points t in 0..1 of this tree, followed by their weights */
    int points, groups;
    cell_t *cells;           /* [column][row] */
    group_t *parts;          /* [feature][group of rows] */
    int *levels;             /* per feature the level of its last split on the way down, or 0 */
    passed_t *passed;        /* [level] */
    double *inverse;         /* [level][point]: 1 / the factor of the feature at this level where it holds the row */
    group_t *product, *sum;  /* [level][point][group]: of all features above a node; of the leaves below it */
} reasons_t;

#define EACH_GROUP for (int i = 0; i < e->groups; i++)

INLINE int feature_of(const forest_t *f, int column) {
    return column < 2 * f->features ? column / 2 : f->category[column - 2 * f->features].feature;
}

INLINE double leaf_value(const forest_t *f, size_t node) {
    return f->wide ? ((const double *)f->values)[node] : ((const float *)f->values)[node];
}

/* Without covers a forest scores, but does not explain. */
static int check_covers(const forest_t *f, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (!(f->covers[i] > 0 && f->covers[i] <= FLT_MAX)) return -1;
    return count && count != (size_t)f->starts[f->trees] ? -1 : 0;
}

/* Points and weights of Gauss and Legendre's rule on 0..1: Newton's steps to the roots of the Legendre polynomial. */
static void find_points(int count, double *at) {
    for (int k = 0; k < count; k++) {
        double x = cos(3.14159265358979323846 * (k + 0.75) / (count + 0.5)), slope = 1;
        for (int step = 0; step < 8; step++) {
            double last = 1, value = x;
            for (int n = 2; n <= count; n++) {
                double next = ((2 * n - 1) * x * value - (n - 1) * last) / n;
                last = value;
                value = next;
            }
            slope = count * (x * value - last) / (x * x - 1);
            x -= value / slope;
        }
        at[k] = (1 + x) / 2;
        at[count + k] = 1 / ((1 - x * x) * slope * slope);
    }
}

/* The most features that any way down from this node splits on, those above it among them. */
static int most_features(const forest_t *f, size_t node, uint8_t *above, int count) {
    const node_t *n = f->nodes + node;
    if (!n->down) return count;
    uint8_t *seen = above + feature_of(f, n->column);
    count += !(*seen)++;
    int left = most_features(f, node + n->down, above, count);
    int right = most_features(f, node + n->down + 1, above, count);
    --*seen;
    return left > right ? left : right;
}

/* The mean of all leaves, by cover: what a tree says of a row of which nothing is known. */
static double mean_leaf(const forest_t *f, size_t node) {
    size_t child = node + f->nodes[node].down;
    if (child == node) return leaf_value(f, node);
    double left = f->covers[child] / (double)f->covers[node], right = f->covers[child + 1] / (double)f->covers[node];
    return left * mean_leaf(f, child) + right * mean_leaf(f, child + 1);
}

/* The rule of n points starts at n * (n - 1): a tree of depth 255 has 128 of them, and all rules are 260 KB then. */
static int plan_reasons(forest_t *f) {
    int most = 0;
    uint8_t *above = calloc((size_t)f->features, 1);
    f->points = malloc((size_t)f->trees);
    f->bias = f->base;
    for (int tree = 0; above && f->points && tree < f->trees; tree++) {
        f->points[tree] = (uint8_t)((most_features(f, (size_t)f->starts[tree], above, 0) + 1) / 2);
        f->bias += mean_leaf(f, (size_t)f->starts[tree]);
        if (f->points[tree] > most) most = f->points[tree];
    }
    free(above);
    f->rules = malloc(((size_t)most * (most + 1) + 1) * sizeof *f->rules);
    for (int count = 1; f->rules && count <= most; count++) find_points(count, f->rules + count * (count - 1));
    return above && f->points && f->rules ? 0 : -1;
}

/* 1 for each row that goes right, else 0. */
INLINE void ask(const reasons_t *e, size_t node, group_t *right) {
    const forest_t *f = e->f;
    const float threshold = f->nodes[node].threshold;
    const cell_t *cell = e->cells + (size_t)f->nodes[node].column * ROWS;
    const uint8_t *set = f->pool + f->sets[node];
    double *answer = (double *)right;
    if (f->nodes[node].column < 2 * f->features)
        for (int i = 0; i < e->groups * GROUP; i++) answer[i] = cell[i].number >= threshold;
    else
        for (int i = 0; i < e->groups * GROUP; i++)
            answer[i] = set[cell[i].category >> 3] >> (cell[i].category & 7) & 1;
}

/* To a child: its feature's factor takes the place of the one that the same feature had before. */
INLINE void go_down(reasons_t *e, double ratio, int before, int level, const group_t *passes) {
    const passed_t *was = e->passed + before;
    passed_t *now = e->passed + level;
    now->share = was->share * ratio;
    EACH_GROUP now->held[i] = was->held[i] * passes[i];
    for (int q = 0; q < e->points; q++) {
        double unheld = (1 - e->at[q]) * now->share, factor = unheld + e->at[q];
        double divisor = e->inverse[before * e->points + q], kept = factor * divisor, lost = unheld * divisor;
        const group_t *above = e->product + ((level - 1) * e->points + q) * GROUPS;
        group_t *product = e->product + (level * e->points + q) * GROUPS;
        e->inverse[level * e->points + q] = 1 / factor;
        EACH_GROUP product[i] = above[i] * (ratio + (lost - ratio) * was->held[i] + (kept - lost) * now->held[i]);
    }
}

/* From a child: (held - share) / factor, less the same of the feature's split before; where neither holds, nothing. */
INLINE void come_up(reasons_t *e, int before, int level, int feature) {
    const passed_t *was = e->passed + before, *now = e->passed + level;
    group_t *part = e->parts + (size_t)feature * GROUPS;
    for (int q = 0; q < e->points; q++) {
        double last = (1 - was->share) * e->inverse[before * e->points + q];
        double kept = (1 - now->share) * e->inverse[level * e->points + q] - last, lost = -1 / (1 - e->at[q]) - last;
        const group_t *sum = e->sum + (level * e->points + q) * GROUPS;
        group_t *above = e->sum + ((level - 1) * e->points + q) * GROUPS;
        EACH_GROUP {
            part[i] += sum[i] * (lost * was->held[i] + (kept - lost) * now->held[i]);
            above[i] += sum[i];
        }
    }
}

/* Down to a leaf and up again: the same in one, without what only deeper nodes need. */
INLINE void touch_leaf(reasons_t *e, size_t leaf_node, double ratio, int before, int level, int feature,
                       const group_t *passes) {
    const passed_t *was = e->passed + before;
    const double value = leaf_value(e->f, leaf_node), share = was->share * ratio;
    group_t *part = e->parts + (size_t)feature * GROUPS;
    for (int q = 0; q < e->points; q++) {
        double unheld = (1 - e->at[q]) * share, divisor = e->inverse[before * e->points + q];
        double kept = (unheld + e->at[q]) * divisor, lost = unheld * divisor, last = (1 - was->share) * divisor;
        double kept_part = (1 - share) * divisor - kept * last, lost_part = -share * divisor - lost * last;
        const group_t *product = e->product + ((level - 1) * e->points + q) * GROUPS;
        group_t *sum = e->sum + ((level - 1) * e->points + q) * GROUPS;
        EACH_GROUP {
            group_t was_held = was->held[i], held = was_held * passes[i], leaf = value * product[i];
            part[i] += leaf * (lost_part * was_held + (kept_part - lost_part) * held);
            sum[i] += leaf * (ratio + (lost - ratio) * was_held + (kept - lost) * held);
        }
    }
}

/* Leaves what the leaves below a node sum up to in its level of sums. */
static void visit(reasons_t *e, size_t node, int level) {
    const forest_t *f = e->f;
    const int feature = feature_of(f, f->nodes[node].column), before = e->levels[feature];
    group_t passes[2][GROUPS];
    ask(e, node, passes[1]);
    EACH_GROUP passes[0][i] = 1 - passes[1][i];
    memset(e->sum + level * e->points * GROUPS, 0, e->points * GROUPS * sizeof *e->sum);
    e->levels[feature] = level + 1;
    for (int side = 0; side < 2; side++) {
        size_t child = node + f->nodes[node].down + side;
        double ratio = f->covers[child] / (double)f->covers[node];
        if (!f->nodes[child].down) {
            touch_leaf(e, child, ratio, before, level + 1, feature, passes[side]);
        } else {
            go_down(e, ratio, before, level + 1, passes[side]);
            visit(e, child, level + 1);
            come_up(e, before, level + 1, feature);
        }
    }
    e->levels[feature] = before;
}

static void explain_block(reasons_t *e, const float *matrix, int rows, double *out) {
    const forest_t *f = e->f;
    size_t width = (size_t)f->features + 1;
    e->groups = (rows + GROUP - 1) / GROUP;
    for (int i = 0; i < e->groups * GROUP; i++) /* the last row stands in for what the last group lacks */
        expand(f, matrix + (size_t)(i < rows ? i : rows - 1) * f->features, e->cells + i, ROWS);
    memset(e->parts, 0, f->features * GROUPS * sizeof *e->parts);
    for (int tree = 0; tree < f->trees; tree++) {
        if (!f->points[tree]) continue; /* a leaf alone is all bias */
        e->points = f->points[tree];
        e->at = f->rules + e->points * (e->points - 1);
        for (int q = 0; q < e->points; q++) {
            e->inverse[q] = 1;
            EACH_GROUP e->product[q * GROUPS + i] = (group_t){0} + e->at[e->points + q];
        }
        visit(e, (size_t)f->starts[tree], 0);
    }
    for (int i = 0; i < rows; i++, out += width) {
        for (int j = 0; j < f->features; j++) out[j] = ((double *)e->parts)[(size_t)j * ROWS + i];
        out[width - 1] = f->bias;
    }
}

/* out is [row][feature + 1], the last for the bias; -1 where memory is lacking. */
static int explain(const forest_t *f, const float *matrix, Py_ssize_t rows, double *out) {
    size_t levels = 1, points = 1, width = (size_t)f->features;
    for (int tree = 0; tree < f->trees; tree++) {
        if (f->depths[tree / TOGETHER] + (size_t)1 > levels) levels = f->depths[tree / TOGETHER] + (size_t)1;
        if (f->points[tree] > points) points = f->points[tree];
    }
    reasons_t e = {
        .f = f, .cells = malloc((2 * width + f->categories) * ROWS * sizeof *e.cells),
        .parts = malloc(width * GROUPS * sizeof *e.parts), .levels = calloc(width, sizeof *e.levels),
        .passed = malloc(levels * sizeof *e.passed), .inverse = malloc(levels * points * sizeof *e.inverse),
        .product = malloc(levels * points * GROUPS * sizeof *e.product),
        .sum = malloc(levels * points * GROUPS * sizeof *e.sum)};
    int failed = !e.cells || !e.parts || !e.levels || !e.passed || !e.inverse || !e.product || !e.sum;
    if (!failed) {
        e.passed->share = 1;
        for (int i = 0; i < GROUPS; i++) e.passed->held[i] = (group_t){0} + 1;
    }
    for (Py_ssize_t done = 0; !failed && done < rows; done += ROWS)
        explain_block(&e, matrix + done * f->features, rows - done < ROWS ? (int)(rows - done) : ROWS,
                      out + done * (Py_ssize_t)(width + 1));
    free(e.cells);
    free(e.parts);
    free(e.levels);
    free(e.passed);
    free(e.inverse);
    free(e.product);
    free(e.sum);
    return failed ? -1 : 0;
}
