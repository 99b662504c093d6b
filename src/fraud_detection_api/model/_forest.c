/* The compiled half of forest.py and isolation_forest.py: trees, read-only once made. The size of their leaves says
 * whether they give XGBoost's own floats to the bit, or scikit-learn's own doubles.
 * Everything is checked here, once, when a forest is made: _forest_score.h and _forest_reasons.h check nothing. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "_forest_reasons.h"
#include "_forest_steps.h"

/* Breadth first with siblings side by side, each node the child of one earlier node: a tree, and all of it in range. */
static int check_tree(forest_t *f, int tree, uint8_t *levels) {
    const node_t *nodes = f->nodes + f->starts[tree];
    int count = f->starts[tree + 1] - f->starts[tree], next = 1, deepest = 0;
    levels[0] = 0;
    for (int i = 0; i < count; i++) {
        int column = nodes[i].column, is_set = column >= 2 * f->features;
        size_t set = f->sets[f->starts[tree] + i];
        if (levels[i] > deepest) deepest = levels[i];
        if (!nodes[i].down) {
            if (!isnan(nodes[i].threshold) || column || set) return -1;
            continue;
        }
        if (i + nodes[i].down != next || count - next < 2 || levels[i] == MOST_DEPTH) return -1;
        if (column >= 2 * f->features + f->categories || isnan(nodes[i].threshold) != is_set) return -1;
        if (is_set ? set + set_bytes(f->category + column - 2 * f->features) > f->pool_size : set) return -1;
        levels[next] = levels[next + 1] = levels[i] + 1;
        next += 2;
    }
    if (f->depths[tree / TOGETHER] < deepest) f->depths[tree / TOGETHER] = (uint8_t)deepest;
    return next == count ? 0 : -1;
}

static int check(forest_t *f, size_t nodes, size_t cuts, size_t ends) {
    uint8_t *levels = malloc(nodes ? nodes : 1);
    int failed = !levels || f->starts[0] || (size_t)f->starts[f->trees] != nodes;
    for (int j = 0; !failed && j < f->categories; j++) {
        const category_t *c = f->category + j;
        failed = c->feature < 0 || c->feature >= f->features || c->limit < 1 || c->limit > 65534;
    }
    for (int tree = 0; !failed && tree < f->trees; tree++)
        failed = f->starts[tree] >= f->starts[tree + 1] || (size_t)f->starts[tree + 1] > nodes
            || check_tree(f, tree, levels);
    for (size_t i = 0, last = 0; !failed && i < ends; last = (size_t)f->cut_ends[i++]) {
        size_t end = f->cut_ends[i] < 0 ? SIZE_MAX : (size_t)f->cut_ends[i];
        failed = end < last || end > last + MOST_CUTS || end > cuts;
    }
    for (int group = 0, last = 0; !failed && group < f->groups; last = f->group_ends[group++])
        failed = f->group_ends[group] <= last || f->group_ends[group] > f->trees;
    free(levels);
    return failed || (f->groups && f->group_ends[f->groups - 1] != f->trees) ? -1 : 0;
}

static void forest_dealloc(PyObject *self) {
    forest_t *f = (forest_t *)self;
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(f->parts);
    free(f->depths);
    free(f->steps);
    free(f->leaves);
    free(f->step_ends);
    free(f->leaf_starts);
    free(f->part_ends);
    free(f->merged);
    free(f->merged_ends);
    free(f->codes);
    free(f->guides);
    free(f->guide_starts);
    free(f->points);
    free(f->rules);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

#define PART(field, index) (f->field = (const void *)PyBytes_AsString(part[index]), \
                            (size_t)PyBytes_Size(part[index]) / sizeof *f->field)

/* The parts are bytes, which nobody can change, and are used where they lie. */
static int fill(forest_t *f, PyObject **part, float base_score) {
    size_t nodes = PART(nodes, 0), values = (size_t)PyBytes_Size(part[1]), sets = PART(sets, 2), ranks = PART(ranks, 3);
    size_t starts = PART(starts, 4), categories = PART(category, 6), cuts = PART(cuts, 7), ends = PART(cut_ends, 8);
    size_t covers = PART(covers, 10);
    f->values = PyBytes_AsString(part[1]);
    f->wide = nodes && values == nodes * sizeof(double);
    f->pool_size = PART(pool, 5);
    f->groups = (int)PART(group_ends, 9);
    f->trees = (int)starts - 1;
    f->categories = (int)categories;
    int fits = starts > 1 && starts < INT32_MAX && nodes < INT32_MAX && values == nodes * leaf_size(f) && sets == nodes
        && ranks == nodes && f->features > 0 && 2 * (int64_t)f->features + (int64_t)categories <= UINT16_MAX
        && f->pool_size > 0 && !f->pool[0] && ends == (size_t)f->groups * f->features
        && !(PyBytes_Size(part[10]) % (Py_ssize_t)sizeof *f->covers);
    if (!fits) return -1;
    float score = fminf(fmaxf(base_score, 1e-6f), 1.0f - 1e-6f); /* the library's bounds, and its logit */
    f->base = -logf(1.0f / score - 1.0f);
    f->depths = calloc((size_t)f->trees / TOGETHER + 1, 1);
    return f->depths && !check(f, nodes, cuts, ends) ? check_covers(f, covers) : -1;
}

static PyObject *forest_new(PyTypeObject *type, PyObject *args, PyObject *Py_UNUSED(kwargs)) {
    int features;
    float base_score;
    PyObject *part[11];
    if (!PyArg_ParseTuple(args, "ifSSSSSSSSSSS", &features, &base_score, part, part + 1, part + 2, part + 3, part + 4,
                          part + 5, part + 6, part + 7, part + 8, part + 9, part + 10)) return NULL;
    forest_t *f = (forest_t *)((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
    if (!f) return NULL;
    f->parts = Py_NewRef(args);
    f->features = features;
    int unfit = fill(f, part, base_score);
    if (!unfit && !plan(f) && !(PyBytes_Size(part[10]) && plan_reasons(f))) return (PyObject *)f;
    Py_DECREF(f);
    return unfit ? PyErr_Format(PyExc_ValueError, "the trees do not fit together") : PyErr_NoMemory();
}

static int has_shape(const Py_buffer *view, const char *format, int dimensions, Py_ssize_t last) {
    return view->ndim == dimensions && view->format && !strcmp(view->format, format)
        && view->shape[dimensions - 1] == last;
}

static int score_views(const forest_t *f, const Py_buffer *matrix, const Py_buffer *out, int probabilities) {
    if (!has_shape(matrix, "f", 2, f->features) || !has_shape(out, f->wide ? "d" : "f", 1, matrix->shape[0])) {
        PyErr_Format(PyExc_ValueError, "a C-ordered float32 matrix of %d columns is needed", f->features);
        return -1;
    }
    int failed;
    if (matrix->shape[0] * (Py_ssize_t)f->trees < GIL_WORK) {
        failed = score(f, matrix->buf, matrix->shape[0], out->buf, probabilities);
    } else {
        Py_BEGIN_ALLOW_THREADS
        failed = score(f, matrix->buf, matrix->shape[0], out->buf, probabilities);
        Py_END_ALLOW_THREADS
    }
    if (failed) PyErr_NoMemory();
    return failed;
}

static int explain_views(const forest_t *f, const Py_buffer *matrix, const Py_buffer *out, int Py_UNUSED(option)) {
    if (!f->rules) {
        PyErr_Format(PyExc_ValueError, "these trees came without covers");
        return -1;
    }
    if (!has_shape(matrix, "f", 2, f->features) || !has_shape(out, "d", 2, f->features + (Py_ssize_t)1)
        || out->shape[0] != matrix->shape[0]) {
        PyErr_Format(PyExc_ValueError, "a C-ordered float32 matrix of %d columns is needed", f->features);
        return -1;
    }
    int failed;
    Py_BEGIN_ALLOW_THREADS
    failed = explain(f, matrix->buf, matrix->shape[0], out->buf);
    Py_END_ALLOW_THREADS
    if (failed) PyErr_NoMemory();
    return failed;
}

typedef int work_t(const forest_t *, const Py_buffer *, const Py_buffer *, int);

static PyObject *with_views(PyObject *self, PyObject *const *args, work_t *work, int option) {
    Py_buffer matrix, out;
    if (PyObject_GetBuffer(args[0], &matrix, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT)) return NULL;
    int failed = PyObject_GetBuffer(args[1], &out, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT | PyBUF_WRITABLE);
    if (!failed) {
        failed = work((forest_t *)self, &matrix, &out, option);
        PyBuffer_Release(&out);
    }
    PyBuffer_Release(&matrix);
    if (failed) return NULL;
    Py_RETURN_NONE;
}

static PyObject *forest_score(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 3) return PyErr_Format(PyExc_TypeError, "score(matrix, out, probabilities)");
    int probabilities = PyObject_IsTrue(args[2]);
    if (probabilities > 0 && ((forest_t *)self)->wide)
        return PyErr_Format(PyExc_ValueError, "leaves in float64 have sums, but no probabilities");
    return probabilities < 0 ? NULL : with_views(self, args, score_views, probabilities);
}

static PyObject *forest_explain(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    if (count != 2) return PyErr_Format(PyExc_TypeError, "explain(matrix, out)");
    return with_views(self, args, explain_views, 0);
}

#define METHOD(function) (PyCFunction)(void (*)(void))function, METH_FASTCALL, NULL
static PyMethodDef methods[] = {{"score", METHOD(forest_score)}, {"explain", METHOD(forest_explain)}, {0}};
static PyType_Slot slots[] = {{Py_tp_new, forest_new}, {Py_tp_dealloc, forest_dealloc}, {Py_tp_methods, methods}, {0}};
static PyType_Spec spec = {"fraud_detection_api.model._forest.Trees", sizeof(forest_t), 0,
                           Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots};

static int module_exec(PyObject *module) {
    PyObject *type = PyType_FromModuleAndSpec(module, &spec, NULL);
    int failed = type ? PyModule_AddType(module, (PyTypeObject *)type) : -1;
    Py_XDECREF(type);
    return failed;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, module_exec}, {0}};
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_forest", NULL, 0, NULL, module_slots, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__forest(void) { return PyModuleDef_Init(&module); }
