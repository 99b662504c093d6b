/* How _forest.c scores. A few rows walk down eight trees at a time. Many rows go column-wise, 512 at a time, as byte
 * codes (how many of the model's thresholds a value reaches); a tree is then a short list of byte comparisons and
 * choices between leaf numbers, 16 or 32 rows to an instruction. Both sum the leaves in the library's order, and in its
 * own type (_forest_sums.h): float for XGBoost's trees, double for scikit-learn's. */
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if !defined(__GNUC__) || defined(FOREST_WALK)
#define INLINE static inline
#define LANES 0 /* no vector types: every batch is walked */
#else
#define INLINE static inline __attribute__((always_inline))
#if defined(__x86_64__) && !defined(FOREST_PORTABLE)
#define LANES 32
#define VECTORS __attribute__((target("avx2")))
#define HAS_VECTORS __builtin_cpu_supports("avx2")
#else
#define LANES 16
#define VECTORS
#define HAS_VECTORS 1
#endif
typedef int8_t lanes_t __attribute__((vector_size(LANES), aligned(1), may_alias));
typedef uint8_t numbers_t __attribute__((vector_size(LANES)));
#endif

enum { BLOCK = 512, TOGETHER = 8, ADDED = 4, FUSED = 3, CELLS = (1 << FUSED) - 1, MOST_LEAVES = 256, MOST_PARTS = 4, MOST_CUTS = 254,
       NEVER = 255, CHECKED = 8, SIGN = 128, PLACES = 1024, MOST_COLUMNS = 4096, MOST_DEPTH = 255, MOST_CODES = 1 << 20 };
/* Measured: from how many rows on blocks are quicker (with sets of categories), and rows x trees that take 50 us. */
enum { WALKED_ROWS = 16, WALKED_SETS = 30, GIL_WORK = 50000 };
enum { CHOOSE = FUSED + 1, MEMBER_FIRST, MEMBER_NEXT };

/* One step down is node + down + (row[column] >= threshold); a leaf stays where it is: down 0, threshold NaN. */
typedef struct { float threshold; uint16_t column, down; } node_t;
typedef union { float number; uint32_t category; } cell_t;
/* kind <= FUSED: a whole subtree of that height; else CHOOSE between two results or MEMBER of a set of categories. */
typedef struct { uint8_t kind, slot, leaf, cut[CELLS]; uint16_t column[CELLS]; } step_t;
typedef struct { int32_t feature, limit; } category_t;
/* Where a feature's values lie among its thresholds: value to place, and the most thresholds that have one place. */
typedef struct { float least, scale; int most; } guide_t;
typedef struct {
    PyObject_HEAD
    PyObject *parts;
    int features, trees, groups, categories, columns, slots, wide; /* wide: leaves and sums are doubles */
    size_t pool_size;
    float base;
    const node_t *nodes;
    const void *values;
    const float *cuts;
    const int32_t *starts, *cut_ends, *group_ends;
    const uint32_t *sets;
    const uint8_t *pool, *ranks;
    const category_t *category;
    uint8_t *depths;
    step_t *steps;
    void *leaves;
    size_t *step_ends, *leaf_starts; /* of each part of a tree; most trees have one */
    int *part_ends;
    float *merged; /* of each feature the thresholds of all groups, and each group's codes of the ranks among them */
    int32_t *merged_ends;
    int8_t *codes;
    guide_t *guides; /* of each feature, and for each place how many thresholds it surely reaches */
    uint32_t *guide_starts;
    const float *covers; /* what _forest_reasons.h needs beside the nodes */
    uint8_t *points;
    double *rules, bias;
} forest_t;

/* 0 is missing, limit + 1 whatever no set of the model holds; the bounds and the truncation are the library's. */
INLINE uint32_t category_of(float value, int32_t limit) {
    return isnan(value) ? 0 : value >= 0 && value < (float)limit ? (uint32_t)value + 1 : (uint32_t)limit + 1;
}

INLINE size_t leaf_size(const forest_t *f) { return f->wide ? sizeof(double) : sizeof(float); }

INLINE size_t codes_width(const forest_t *f) { return (size_t)f->merged_ends[f->features] + 2 * (size_t)f->features; }

INLINE size_t set_bytes(const category_t *category) { return ((size_t)category->limit + 2 + 7) / 8; }

/* A row's cells lie side by side (stride 1), or those of so many rows column by column. */
INLINE void expand(const forest_t *f, const float *values, cell_t *row, size_t stride) {
    for (size_t j = 0; j < (size_t)f->features; j++) {
        row[2 * j * stride].number = isnan(values[j]) ? -INFINITY : values[j];
        row[(2 * j + 1) * stride].number = isnan(values[j]) ? INFINITY : values[j];
    }
    row += 2 * (size_t)f->features * stride;
    for (int j = 0; j < f->categories; j++)
        row[j * stride].category = category_of(values[f->category[j].feature], f->category[j].limit);
}

INLINE uint32_t is_right(const forest_t *f, const node_t *node, const cell_t *row, int mixed) {
    cell_t cell = row[node->column];
    uint32_t right = cell.number >= node->threshold;
    if (mixed) { /* without a branch: a numeric node asks for the empty bit 0 of the pool */
        uint32_t bit = node->column < 2 * f->features ? 0 : cell.category;
        right |= f->pool[f->sets[node - f->nodes] + (bit >> 3)] >> (bit & 7) & 1;
    }
    return right;
}

#include "_forest_ranks.h"

#if LANES

/* A category is one bit in one of its feature's byte columns, so that membership is an AND. */
INLINE void code_categories(const forest_t *f, const float *matrix, int rows, int8_t *columns) {
    int8_t *column = columns + (size_t)(CELLS + 2 * f->features) * BLOCK;
    for (int j = 0; j < f->categories; j++) {
        size_t bytes = set_bytes(f->category + j);
        memset(column, 0, bytes * BLOCK);
        for (int i = 0; i < rows; i++) {
            uint32_t bit = category_of(matrix[(size_t)i * f->features + f->category[j].feature], f->category[j].limit);
            column[(size_t)(bit >> 3) * BLOCK + i] = (int8_t)(1u << (bit & 7));
        }
        column += bytes * BLOCK;
    }
}

#define FOR_LANES _Pragma("GCC unroll 4") for (int i = 0; i < count; i++)
#define TEST(k) const lanes_t *column##k = (const lanes_t *)(columns + (size_t)step->column[k] * BLOCK); \
    const int8_t cut##k = (int8_t)((int)step->cut[k] - 1 - SIGN)
#define PASSES(k) (column##k[i] > cut##k)
#define PAIR(number, k) (lanes_t)((uint8_t)(leaf + number) - (numbers_t)PASSES(k))
#define BITS(k) (column##k[i] & (int8_t)(cut##k + 1 + SIGN))
#define EITHER(mask, high, low) (((mask) & (high)) | (~(mask) & (low)))

/* The slot takes each row's leaf number below a subtree, which is a heap of tests; a test that passes is -1. */
INLINE void run(const step_t *step, int8_t *columns, int8_t *slots, int count) {
    lanes_t *out = (lanes_t *)(slots + (size_t)step->slot * BLOCK);
    const uint8_t leaf = step->leaf;
    TEST(0);
    if (step->kind == 3) {
        TEST(1); TEST(2); TEST(3); TEST(4); TEST(5); TEST(6);
        FOR_LANES {
            lanes_t low = EITHER(PASSES(1), PAIR(2, 4), PAIR(0, 3)), high = EITHER(PASSES(2), PAIR(6, 6), PAIR(4, 5));
            out[i] = EITHER(PASSES(0), high, low);
        }
    } else if (step->kind == CHOOSE) {
        FOR_LANES out[i] = EITHER(PASSES(0), out[i + BLOCK / LANES], out[i]);
    } else if (step->kind == 2) {
        TEST(1); TEST(2);
        FOR_LANES out[i] = EITHER(PASSES(0), PAIR(2, 2), PAIR(0, 1));
    } else if (step->kind == 1) {
        FOR_LANES out[i] = PAIR(0, 0);
    } else if (step->kind == 0) {
        memset(out, step->leaf, (size_t)count * LANES);
    } else { /* up to seven bytes of a set; a row has its bit in one of them, and is a member if above -128 */
        lanes_t *member = (lanes_t *)(columns + (size_t)step->slot * BLOCK);
        TEST(1); TEST(2); TEST(3); TEST(4); TEST(5); TEST(6);
        const int8_t start = step->kind == MEMBER_FIRST ? INT8_MIN : 0, kept = step->kind == MEMBER_FIRST ? 0 : -1;
        FOR_LANES {
            lanes_t bits = BITS(0) | BITS(1) | BITS(2) | BITS(3) | BITS(4) | BITS(5) | BITS(6);
            member[i] = ((member[i] & kept) | start) ^ bits;
        }
    }
}

#else
#define HAS_VECTORS 0
#define score_blocks_single walk_single
#define score_blocks_double walk_double
#endif

#define REAL float
#define IN_REAL(name) name##_single
#include "_forest_sums.h"
#undef REAL
#undef IN_REAL
#define REAL double
#define IN_REAL(name) name##_double
#include "_forest_sums.h"
#undef REAL
#undef IN_REAL

/* The library's own last step: its clamp, its order of additions, the same expf. */
static void to_probabilities(float *margins, Py_ssize_t rows) {
    for (Py_ssize_t i = 0; i < rows; i++) {
        float x = 88.7f < -margins[i] ? 88.7f : -margins[i];
        margins[i] = 1.0f / (expf(x) + 1.0f + 1e-16f);
    }
}

static int score(const forest_t *f, const float *matrix, Py_ssize_t rows, void *sums, int probabilities) {
    int few = rows < (f->categories ? WALKED_SETS : WALKED_ROWS), walked = few || !f->steps || !HAS_VECTORS;
    int failed = f->wide ? (walked ? walk_double : score_blocks_double)(f, matrix, rows, sums)
                         : (walked ? walk_single : score_blocks_single)(f, matrix, rows, sums);
    if (!failed && probabilities) to_probabilities(sums, rows);
    return failed;
}
