/* Python's side of _histories.h: a plan of statistics; checked once, it runs beside a stream or what a store gave back. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "_histories.h"
#include "_histories_packed.h"

typedef struct { PyObject_HEAD plan_t plan; window_t *windows; statistic_t *statistics; } Histories;

/* What one key is known by while a stream goes past: the latest entries in the order of their times. */
typedef struct { int count; int64_t dropped; int64_t *entries; } memory_t;

static int place_of(const plan_t *plan, const memory_t *memory, const int64_t *record)
{
    int at = memory->count;
    while (at > 0 && is_before(record, memory->entries + (int64_t)(at - 1) * plan->width)) at--;
    return at;
}

static const int64_t *entry_of(const plan_t *plan, const memory_t *memory, int64_t id)
{
    for (int at = memory->count; at-- > 0;) {
        const int64_t *entry = memory->entries + (int64_t)at * plan->width;
        if (entry[ID] == id) return entry;
    }
    return NULL;
}

static void remember(const plan_t *plan, memory_t *memory, const int64_t *record)
{
    size_t size = (size_t)plan->width * sizeof *record;
    int at = place_of(plan, memory, record);
    if (memory->count == plan->kept) {
        int64_t first = at ? memory->entries[TIME] : record[TIME];
        if (first > memory->dropped) memory->dropped = first;
        if (!at) return;
        at--;
        memmove(memory->entries, memory->entries + plan->width, (size_t)at * size);
    } else {
        int64_t *place = memory->entries + (int64_t)at * plan->width;
        memmove(place + plan->width, place, (size_t)(memory->count++ - at) * size);
    }
    memcpy(memory->entries + (int64_t)at * plan->width, record, size);
}

/* What a record sees; one that has been here before sees what it saw then. */
static uint8_t see(const plan_t *plan, const memory_t *memory, const int64_t *record, seen_t *seen, double *out)
{
    int64_t again[MOST_WIDTH];
    const int64_t *first = entry_of(plan, memory, record[ID]);
    if (first) {
        memcpy(again, record, (size_t)plan->width * sizeof *record);
        again[TIME] = first[TIME];
        again[RECEIVED] = first[RECEIVED];
        record = again;
    }
    uint8_t flags = look_back(plan, memory->entries, memory->count, memory->dropped, record, seen);
    answer(plan, seen, flags, record, out);
    return flags | (first ? REPEATED : 0);
}

static void run_stream(const plan_t *plan, memory_t *memory, seen_t *seen, const int64_t *records,
                       const int64_t *ends, Py_ssize_t keys, double *out, uint8_t *flags)
{
    int64_t at = 0;
    for (Py_ssize_t key = 0; key < keys; key++) {
        memory->count = 0;
        memory->dropped = MISSING;
        for (; at < ends[key]; at++) {
            const int64_t *record = records + at * plan->width;
            flags[at] = see(plan, memory, record, seen, out + at * plan->statistics);
            if (!(flags[at] & REPEATED)) remember(plan, memory, record);
        }
    }
}

static bool ascends_to(const int64_t *ends, Py_ssize_t count, Py_ssize_t total)
{
    int64_t before = 0;
    for (Py_ssize_t i = 0; i < count; before = ends[i++]) if (ends[i] < before) return false;
    return before == total;
}

static bool fits(const Histories *self, Py_ssize_t bytes, Py_ssize_t *rows)
{
    Py_ssize_t row = self->plan.width * (Py_ssize_t)sizeof(int64_t);
    *rows = bytes / row;
    return bytes % row == 0;
}

static PyObject *results(const plan_t *plan, Py_ssize_t rows, PyObject **out, PyObject **flags)
{
    *out = PyBytes_FromStringAndSize(NULL, rows * plan->statistics * (Py_ssize_t)sizeof(double));
    *flags = PyBytes_FromStringAndSize(NULL, rows);
    PyObject *both = *out && *flags ? PyTuple_Pack(2, *out, *flags) : NULL;
    Py_XDECREF(*out);
    Py_XDECREF(*flags);
    return both;
}

static PyObject *from_stream(const Histories *self, const Py_buffer *records, const Py_buffer *ends)
{
    const plan_t *plan = &self->plan;
    Py_ssize_t rows, keys = ends->len / (Py_ssize_t)sizeof(int64_t);
    if (!fits(self, records->len, &rows) || ends->len % 8 || !ascends_to(ends->buf, keys, rows))
        return PyErr_SetString(PyExc_ValueError, "records and their keys' ends do not fit together"), NULL;
    memory_t memory = {.entries = PyMem_Malloc((size_t)(plan->kept + 1) * (size_t)plan->width * sizeof(int64_t))};
    seen_t *seen = PyMem_Malloc(sizeof *seen);
    PyObject *out, *flags, *both = memory.entries && seen ? results(plan, rows, &out, &flags) : PyErr_NoMemory();
    if (both) {
        Py_BEGIN_ALLOW_THREADS
        run_stream(plan, &memory, seen, records->buf, ends->buf, keys, (double *)PyBytes_AsString(out), (uint8_t *)PyBytes_AsString(flags));
        Py_END_ALLOW_THREADS
    }
    PyMem_Free(memory.entries);
    PyMem_Free(seen);
    return both;
}

static PyObject *Histories_from_stream(PyObject *self, PyObject *arguments)
{
    Py_buffer records, ends;
    if (!PyArg_ParseTuple(arguments, "y*y*:from_stream", &records, &ends)) return NULL;
    PyObject *both = from_stream((Histories *)self, &records, &ends);
    PyBuffer_Release(&records);
    PyBuffer_Release(&ends);
    return both;
}

static layout_t layout_of(int kept, int amounts, int values, const char *mark)
{
    return (layout_t){amounts, kept > 1 ? 4 : 6, values, 3037000499LL / kept, mark}; /* squares of as many add up to less than 2^63 */
}

/* What the history of one record says, statistic by statistic in as many rows of `out`; false where it is no history. */
static bool see_packed(const plan_t *plan, const layout_t *layout, memory_t *memory, seen_t *seen, const int64_t *record,
                       PyObject *value, uint8_t *flags)
{
    memory->count = 0, memory->dropped = MISSING;
    if (value != Py_None) {
        char *bytes;
        Py_ssize_t size;
        if (PyBytes_AsStringAndSize(value, &bytes, &size) < 0) return false;
        memory->count = unpack(plan, layout, (const uint8_t *)bytes, size, memory->entries, &memory->dropped);
        if (memory->count < 0) return PyErr_SetString(PyExc_ValueError, "a history is none of this layout"), false;
    }
    *flags = see(plan, memory, record, seen, (double *)(seen + 1));
    return true;
}

/* Packed histories as a store gave them, one for each record; None where a key was never seen. */
static bool from_packed(const plan_t *plan, const layout_t *layout, const int64_t *record, PyObject *values, double *out, uint8_t *flags)
{
    Py_ssize_t rows = PyList_Size(values);
    memory_t memory = {.entries = PyMem_Malloc((size_t)plan->kept * (size_t)plan->width * sizeof(int64_t))};
    seen_t *seen = PyMem_Malloc(sizeof *seen + (size_t)plan->statistics * sizeof(double));
    bool done = memory.entries && seen;
    if (!done) PyErr_NoMemory();
    for (Py_ssize_t i = 0; done && i < rows; i++, record += plan->width) {
        const double *answers = (double *)(seen + 1);
        done = see_packed(plan, layout, &memory, seen, record, PyList_GetItem(values, i), flags + i);
        for (int j = 0; done && j < plan->statistics; j++) out[j * rows + i] = answers[j];
    }
    PyMem_Free(memory.entries);
    PyMem_Free(seen);
    return done;
}

static PyObject *Histories_from_packed(PyObject *self, PyObject *arguments)
{
    Py_buffer given[4]; /* records, the mark, statistics, flags */
    PyObject *values;
    if (!PyArg_ParseTuple(arguments, "y*y*O!w*w*:from_packed", given, given + 1, &PyList_Type, &values, given + 2, given + 3)) return NULL;
    const plan_t *plan = &((Histories *)self)->plan;
    layout_t layout = layout_of(plan->kept, plan->amounts, plan->width - FIRST_VALUE - plan->amounts, given[1].buf);
    Py_ssize_t rows, count = PyList_Size(values);
    bool fit = fits((Histories *)self, given[0].len, &rows) && rows == count && given[1].len == MARK_BYTES
        && given[2].len == rows * plan->statistics * 8 && given[3].len == rows;
    if (!fit) PyErr_SetString(PyExc_ValueError, "records and their histories do not fit together");
    bool done = fit && from_packed(plan, &layout, given[0].buf, values, given[2].buf, given[3].buf);
    for (int i = 0; i < 4; i++) PyBuffer_Release(given + i);
    return done ? Py_NewRef(Py_None) : NULL;
}

static PyObject *packed_arrivals(const layout_t *layout, const Py_buffer *entries)
{
    Py_ssize_t width = FIRST_VALUE + layout->amounts + layout->values, rows = entries->len / (width * 8);
    PyObject *found = PyList_New(rows);
    for (Py_ssize_t i = 0; found && i < rows; i++) {
        uint8_t packed[8 * MOST_WIDTH];
        bool sound = pack_arrival(layout, (const int64_t *)entries->buf + i * width, packed);
        PyObject *one = sound ? PyBytes_FromStringAndSize((char *)packed, entry_bytes(layout) - 6) : NULL;
        if (!sound) PyErr_SetString(PyExc_ValueError, "a number of an entry has no place");
        if (!one || PyList_SetItem(found, i, one) < 0) Py_CLEAR(found);
    }
    return found;
}

static PyObject *Histories_packed_arrivals(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    Py_buffer entries;
    int kept, amounts, values;
    PyObject *found = NULL;
    if (!PyArg_ParseTuple(arguments, "y*iii:packed_arrivals", &entries, &kept, &amounts, &values)) return NULL;
    bool fits = kept > 0 && amounts >= 0 && values >= 0 && amounts <= MOST_WIDTH && values <= MOST_WIDTH
        && FIRST_VALUE + amounts + values <= MOST_WIDTH && entries.len % (8 * (FIRST_VALUE + amounts + values)) == 0;
    if (fits) {
        layout_t layout = layout_of(kept, amounts, values, NULL);
        found = packed_arrivals(&layout, &entries);
    } else PyErr_SetString(PyExc_ValueError, "no entries of this layout");
    PyBuffer_Release(&entries);
    return found;
}

static bool is_sound(const plan_t *plan)
{
    for (int i = 0; i < plan->windows; i++) {
        const window_t *window = plan->window + i;
        if (window->records < 0 || window->span < 0 || window->span > MOST_SPAN) return false;
    }
    for (int i = 0; i < plan->statistics; i++) {
        const statistic_t *statistic = plan->statistic + i;
        if (statistic->kind < 0 || statistic->kind >= KINDS || statistic->window < 0 || statistic->window >= plan->windows) return false;
        if (statistic->column < 0 || statistic->column >= plan->width) return false;
        if (statistic->argument < 0 || statistic->argument > MOST_SPAN) return false;
    }
    return plan->windows > 0 && plan->windows <= MOST_WINDOWS && plan->kept > 0 && plan->kept <= MOST_KEPT
        && plan->width <= MOST_WIDTH;
}

static bool fill(Histories *self, int kept, int amounts, int values, const Py_buffer *windows, const Py_buffer *statistics)
{
    if (amounts < 0 || values < 0 || amounts > MOST_WIDTH || values > MOST_WIDTH)
        return PyErr_SetString(PyExc_ValueError, "no such plan of statistics"), false;
    self->windows = PyMem_Malloc((size_t)windows->len + 1);
    self->statistics = PyMem_Malloc((size_t)statistics->len + 1);
    if (!self->windows || !self->statistics) return PyErr_NoMemory(), false;
    memcpy(self->windows, windows->buf, (size_t)windows->len);
    memcpy(self->statistics, statistics->buf, (size_t)statistics->len);
    self->plan = (plan_t){kept, amounts, FIRST_VALUE + amounts + values, (int)(windows->len / (Py_ssize_t)sizeof(window_t)),
                          (int)(statistics->len / (Py_ssize_t)sizeof(statistic_t)), self->windows, self->statistics};
    if (!is_sound(&self->plan)) return PyErr_SetString(PyExc_ValueError, "no such plan of statistics"), false;
    return true;
}

static PyObject *Histories_new(PyTypeObject *type, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    int kept, amounts, values;
    Py_buffer windows, statistics;
    if (!PyArg_ParseTuple(arguments, "iiiy*y*:Histories", &kept, &amounts, &values, &windows, &statistics)) return NULL;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Histories *self = (Histories *)allocate(type, 0);
    if (self && !fill(self, kept, amounts, values, &windows, &statistics)) Py_CLEAR(self);
    PyBuffer_Release(&windows);
    PyBuffer_Release(&statistics);
    return (PyObject *)self;
}

static void Histories_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    PyMem_Free(((Histories *)self)->windows);
    PyMem_Free(((Histories *)self)->statistics);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"from_stream", Histories_from_stream, METH_VARARGS, "Statistics and flags of records in the order of keys and arrival."},
    {"from_packed", Histories_from_packed, METH_VARARGS, "Statistics and flags of records beside packed histories of their keys."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Statistics over what a key has done before a record."},
    {Py_tp_new, Histories_new},
    {Py_tp_dealloc, Histories_free},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec type_spec = {
    "fraud_detection_api.features._histories.Histories", sizeof(Histories), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots,
};

static int fill_module(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &type_spec, NULL);
    int failed = type == NULL ? -1 : PyModule_AddObjectRef(module, "Histories", type);
    Py_XDECREF(type);
    return failed;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, fill_module}, {0, NULL}};
static PyMethodDef functions[] = {
    {"packed_arrivals", Histories_packed_arrivals, METH_VARARGS, "Entries as they are sent to a store, each without the time of its arrival."},
    {NULL, NULL, 0, NULL},
};
static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_histories", .m_slots = module_slots, .m_methods = functions,
};

PyMODINIT_FUNC PyInit__histories(void)
{
    return PyModuleDef_Init(&module_definition);
}
