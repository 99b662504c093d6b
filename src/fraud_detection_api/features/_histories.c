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

/* What is given of one record: its entry without the time of its arrival, that time, and the history of its key or None. */
typedef struct { PyObject *entry, *received, *value; } packed_t;

static bool unpack_record(const layout_t *layout, const packed_t *given, int64_t *record)
{
    uint8_t packed[8 * MOST_WIDTH];
    char *entry;
    Py_ssize_t size;
    int64_t received = PyLong_AsLongLong(given->received);
    if ((received == -1 && PyErr_Occurred()) || PyBytes_AsStringAndSize(given->entry, &entry, &size) < 0) return false;
    bool fits = size == entry_bytes(layout) - 6 && received > lowest_of(6) && received < -lowest_of(6);
    if (fits) {
        memcpy(packed, entry, (size_t)size);
        put_number(packed + size, received, 6);
    }
    if (!fits || !unpack_entry(layout, packed, record)) return PyErr_SetString(PyExc_ValueError, "an entry is none of this layout"), false;
    return true;
}

static bool unpack_history(const plan_t *plan, const layout_t *layout, PyObject *value, memory_t *memory)
{
    memory->count = 0, memory->dropped = MISSING;
    if (value == Py_None) return true;
    char *bytes;
    Py_ssize_t size;
    if (PyBytes_AsStringAndSize(value, &bytes, &size) < 0) return false;
    memory->count = unpack(plan, layout, (const uint8_t *)bytes, size, memory->entries, &memory->dropped);
    if (memory->count < 0) PyErr_SetString(PyExc_ValueError, "a history is none of this layout");
    return memory->count >= 0;
}

/* Packed records beside packed histories as a store gave them: statistic by statistic in as many rows of `out`. */
static bool from_packed(const plan_t *plan, const layout_t *layout, PyObject *const *lists, Py_ssize_t rows, double *out, uint8_t *flags)
{
    int64_t record[MOST_WIDTH];
    memory_t memory = {.entries = PyMem_Malloc((size_t)plan->kept * (size_t)plan->width * sizeof(int64_t))};
    seen_t *seen = PyMem_Malloc(sizeof *seen + (size_t)plan->statistics * sizeof(double));
    bool done = memory.entries && seen;
    if (!done) PyErr_NoMemory();
    for (Py_ssize_t i = 0; done && i < rows; i++) {
        packed_t given = {PyList_GetItem(lists[0], i), PyList_GetItem(lists[1], i), PyList_GetItem(lists[2], i)};
        done = unpack_record(layout, &given, record) && unpack_history(plan, layout, given.value, &memory);
        if (!done) break;
        double *answers = (double *)(seen + 1);
        flags[i] = see(plan, &memory, record, seen, answers);
        for (int j = 0; j < plan->statistics; j++) out[j * rows + i] = answers[j];
    }
    PyMem_Free(memory.entries);
    PyMem_Free(seen);
    return done;
}

static PyObject *Histories_from_packed(PyObject *self, PyObject *arguments)
{
    PyObject *lists[3], *out, *flags; /* entries, when they arrived, histories */
    const char *mark;
    Py_ssize_t length;
    if (!PyArg_ParseTuple(arguments, "O!O!y#O!:from_packed", &PyList_Type, lists, &PyList_Type, lists + 1, &mark, &length, &PyList_Type, lists + 2))
        return NULL;
    const plan_t *plan = &((Histories *)self)->plan;
    Py_ssize_t rows = PyList_Size(lists[0]);
    if (length != MARK_BYTES || PyList_Size(lists[1]) != rows || PyList_Size(lists[2]) != rows)
        return PyErr_SetString(PyExc_ValueError, "records and their histories do not fit together"), NULL;
    layout_t layout = layout_of(plan->kept, plan->amounts, plan->width - FIRST_VALUE - plan->amounts, mark);
    PyObject *both = results(plan, rows, &out, &flags);
    if (both && !from_packed(plan, &layout, lists, rows, (double *)PyBytes_AsString(out), (uint8_t *)PyBytes_AsString(flags))) Py_CLEAR(both);
    return both;
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
static PyModuleDef module_definition = {
    PyModuleDef_HEAD_INIT, .m_name = "_histories", .m_slots = module_slots,
};

PyMODINIT_FUNC PyInit__histories(void)
{
    return PyModuleDef_Init(&module_definition);
}
