/* How _forest.c turns trees into the steps that _forest_score.h runs, once, when a forest is made. A tree with more leaves
 * than a byte numbers becomes several parts: each has some of the leaves, and -0 instead of all others, which added to
 * any sum leaves it as it is. */

/* What is under way: one part, the leaves `from` to `to` of its tree. */
typedef struct {
    forest_t *f;
    uint8_t *heights;
    int32_t *before, *below, from, to; /* how many leaves of the tree lie left of a node, and how many below it */
    size_t steps, leaves;
    int part, leaf, fused;
} plan_t;

static int number_leaves(plan_t *p) {
    const forest_t *f = p->f;
    size_t count = (size_t)f->starts[f->trees];
    p->heights = calloc(count, 1);
    p->before = calloc(count, sizeof *p->before);
    p->below = calloc(count, sizeof *p->below);
    if (!p->heights || !p->before || !p->below) return -1;
    for (size_t i = count; i-- > 0;) {
        const int32_t *child = p->below + i + f->nodes[i].down;
        p->below[i] = f->nodes[i].down ? child[0] + child[1] : 1;
    }
    for (size_t i = 0; i < count; i++) {
        size_t child = i + f->nodes[i].down;
        if (child == i) continue;
        p->before[child] = p->before[i];
        p->before[child + 1] = p->before[i] + p->below[child];
    }
    return 0;
}

static int has_leaves(const plan_t *p, size_t node) {
    return p->before[node] < p->to && p->before[node] + p->below[node] > p->from;
}

/* What has none of the part's leaves is one leaf. */
static void find_heights(plan_t *p, int tree) {
    for (size_t i = (size_t)p->f->starts[tree + 1]; i-- > (size_t)p->f->starts[tree];) {
        const uint8_t *child = p->heights + i + p->f->nodes[i].down;
        int is_split = p->f->nodes[i].down && has_leaves(p, i);
        p->heights[i] = is_split ? (uint8_t)(1 + (child[0] > child[1] ? child[0] : child[1])) : 0;
    }
}

static void put_leaf(plan_t *p, size_t node, size_t leaf) {
    const float none = -0.0f;
    const double wide_none = -0.0;
    size_t size = leaf_size(p->f);
    const void *value = (const char *)p->f->values + node * size;
    if (!has_leaves(p, node)) value = p->f->wide ? (const void *)&wide_none : &none;
    memcpy((char *)p->f->leaves + leaf * size, value, size);
}

static void plan_members(plan_t *p, size_t node, int category, int at) {
    const forest_t *f = p->f;
    size_t bytes = set_bytes(f->category + category), column = CELLS + 2 * (size_t)f->features;
    while (category-- > 0) column += set_bytes(f->category + category);
    for (size_t done = 0; done < bytes; done += CELLS) {
        step_t step = {.kind = done ? MEMBER_NEXT : MEMBER_FIRST, .slot = (uint8_t)at};
        for (size_t k = 0; k < CELLS && done + k < bytes; k++) {
            step.column[k] = (uint16_t)(column + done + k);
            step.cut[k] = f->pool[f->sets[node] + done + k];
        }
        f->steps[p->steps++] = step;
    }
}

/* The first columns are for what the sets of one step answer, then come the numbers, then the categories' bits. */
static void plan_test(plan_t *p, size_t node, step_t *step, int at) {
    int column = p->f->nodes[node].column, category = column - 2 * p->f->features;
    step->column[at] = (uint16_t)(category < 0 ? CELLS + column : at);
    step->cut[at] = category < 0 ? p->f->ranks[node] : 1;
    if (category >= 0) plan_members(p, node, category, at);
}

/* A subtree as the heap of its height; below a leaf that lies higher the tests never pass. */
static void plan_heap(plan_t *p, size_t node, step_t *step, int at) {
    int inner = (1 << step->kind) - 1;
    if (at >= inner) {
        put_leaf(p, node, p->leaves + (size_t)(step->leaf + at - inner));
        return;
    }
    size_t low = p->heights[node] ? node + p->f->nodes[node].down : node;
    if (low > node) plan_test(p, node, step, at);
    else step->cut[at] = NEVER;
    plan_heap(p, low, step, 2 * at + 1);
    plan_heap(p, low + (low > node), step, 2 * at + 2);
}

static int plan_node(plan_t *p, size_t node, int slot) {
    const node_t *n = p->f->nodes + node;
    step_t step = {.kind = p->heights[node], .slot = (uint8_t)slot, .leaf = (uint8_t)p->leaf};
    if (slot + 1 > p->f->slots) p->f->slots = slot + 1;
    if (step.kind <= p->fused) {
        if (p->leaf + (1 << step.kind) > MOST_LEAVES) return -1;
        plan_heap(p, node, &step, 0);
        p->leaf += 1 << step.kind;
    } else {
        if (plan_node(p, node + n->down, slot) || plan_node(p, node + n->down + 1, slot + 1)) return -1;
        step.kind = CHOOSE;
        plan_test(p, node, &step, 0);
    }
    p->f->steps[p->steps++] = step;
    return 0;
}

static int plan_parts(plan_t *p, int tree, int parts) {
    int64_t leaves = p->below[p->f->starts[tree]];
    for (int k = 0; k < parts; k++) {
        p->from = (int32_t)(leaves * k / parts);
        p->to = (int32_t)(leaves * (k + 1) / parts);
        p->leaf = 0;
        p->f->leaf_starts[p->part] = p->leaves;
        find_heights(p, tree);
        if (plan_node(p, (size_t)p->f->starts[tree], 0)) return -1;
        p->leaves += (size_t)p->leaf;
        p->f->step_ends[++p->part] = p->steps;
    }
    return 0;
}

/* Fusing pads, and a part has 256 leaf numbers: where they do not suffice it is fused less. */
static int plan_tree(plan_t *p, int tree) {
    const plan_t start = *p;
    for (int fused = FUSED; fused >= 0; fused--)
        for (int parts = 1; parts <= MOST_PARTS; parts++) {
            *p = start;
            p->fused = fused;
            if (!plan_parts(p, tree, parts)) return 0;
        }
    return -1;
}

static size_t most_steps(const forest_t *f) {
    size_t count = (size_t)f->starts[f->trees], steps = count;
    for (size_t i = 0; i < count; i++) {
        int category = f->nodes[i].column - 2 * f->features;
        if (category >= 0) steps += set_bytes(f->category + category) / CELLS + 1;
    }
    return steps;
}

static int make_room(forest_t *f) {
    size_t parts = (size_t)f->trees * MOST_PARTS;
    f->steps = malloc(most_steps(f) * MOST_PARTS * sizeof *f->steps);
    f->leaves = malloc(parts * MOST_LEAVES * leaf_size(f));
    f->step_ends = calloc(parts + 1, sizeof *f->step_ends);
    f->leaf_starts = calloc(parts + 1, sizeof *f->leaf_starts);
    f->part_ends = calloc((size_t)f->trees + 1, sizeof *f->part_ends);
    return f->steps && f->leaves && f->step_ends && f->leaf_starts && f->part_ends ? 0 : -1;
}

static void give_back(forest_t *f, const plan_t *p, int walked) {
    step_t *steps = walked ? NULL : realloc(f->steps, p->steps * sizeof *steps);
    void *leaves = walked ? NULL : realloc(f->leaves, p->leaves * leaf_size(f));
    if (walked) { free(f->steps); f->steps = NULL; }
    if (steps) f->steps = steps;
    if (leaves) f->leaves = leaves;
}

/* Without steps (a tree of too many leaves, too many columns) the forest walks whatever the number of rows. */
static int plan(forest_t *f) {
    plan_t p = {.f = f};
    size_t columns = (size_t)2 * f->features + CELLS;
    for (int j = 0; j < f->categories; j++) columns += set_bytes(f->category + j);
    f->columns = (int)columns;
    int walked = columns > MOST_COLUMNS || !f->groups, failed = !walked && (number_leaves(&p) || make_room(f));
    for (int tree = 0; !failed && !walked && tree < f->trees; tree++) {
        walked = plan_tree(&p, tree);
        f->part_ends[tree + 1] = p.part;
    }
    if (!failed) give_back(f, &p, walked);
    free(p.heights);
    free(p.before);
    free(p.below);
    return failed || (f->steps && plan_ranks(f)) ? -1 : 0;
}
