/* Python's side of _histories.h: a plan of statistics; checked once, it runs beside a stream or what a store gave back. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include "_histories.h"
#include "_histories_packed.h"

typedef struct {
    PyObject_HEAD plan_t plan;
    layout_t layout;
    window_t *windows;
    statistic_t *statistics;
    char mark[MARK_BYTES];
} Histories;

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

/* What came of a record at its key: what was known there, or None, and when the record arrived. */
typedef struct { const uint8_t *value; Py_ssize_t size; int64_t received; } answer_t;

static bool refuse(const char *why) { return PyErr_SetString(PyExc_ValueError, why), false; }

static bool read_answer(PyObject *pair, answer_t *answer)
{
    bool is_list = PyList_Check(pair);
    if (is_list ? PyList_Size(pair) != 2 : !PyTuple_Check(pair) || PyTuple_Size(pair) != 2) return refuse("an answer is no pair");
    PyObject *value = is_list ? PyList_GetItem(pair, 0) : PyTuple_GetItem(pair, 0);
    PyObject *received = is_list ? PyList_GetItem(pair, 1) : PyTuple_GetItem(pair, 1);
    if (!PyLong_Check(received) || (value != Py_None && !PyBytes_Check(value))) return refuse("an answer is of other kinds");
    answer->received = PyLong_AsLongLong(received);
    answer->value = value == Py_None ? NULL : (const uint8_t *)PyBytes_AsString(value);
    answer->size = answer->value ? PyBytes_Size(value) : 0;
    return answer->received != -1 || !PyErr_Occurred();
}

/* A record from its packed entry; without an answer it has no key, and arrived as it happened. */
static bool read_record(const layout_t *layout, PyObject *entry, const answer_t *answer, int64_t *record)
{
    uint8_t packed[8 * MOST_WIDTH];
    Py_ssize_t size = entry_bytes(layout) - 6;
    if (!PyBytes_Check(entry) || PyBytes_Size(entry) != size) return refuse("an entry is none of this layout");
    memcpy(packed, PyBytes_AsString(entry), (size_t)size);
    int64_t most = -lowest_of(6) - 1, received = answer ? answer->received : number_of(packed, 8);
    if (!answer && received > most) received = most; /* of an event of the year 6429 or later */
    if (received <= lowest_of(6) || received >= -lowest_of(6)) return refuse("nothing arrives at such a time");
    put_number(packed + size, received, 6);
    return unpack_entry(layout, packed, record) || refuse("an entry has a number that cannot be one");
}

typedef struct { double *values; uint8_t *flags; int64_t *received; memory_t memory; seen_t *seen; } room_t;

static bool answer_one(const Histories *self, PyObject *entry, const answer_t *answer, room_t *room, Py_ssize_t row, Py_ssize_t rows)
{
    const plan_t *plan = &self->plan;
    int64_t record[MOST_WIDTH];
    double *values = (double *)(room->seen + 1);
    memory_t *memory = &room->memory;
    memory->count = 0, memory->dropped = MISSING;
    if (!read_record(&self->layout, entry, answer, record)) return false;
    if (answer && answer->value) memory->count = unpack(plan, &self->layout, answer->value, answer->size, memory->entries, &memory->dropped);
    if (memory->count < 0) return refuse("a history is none of this layout");
    room->flags[row] = see(plan, memory, record, room->seen, values);
    room->received[row] = record[RECEIVED];
    for (int i = 0; i < plan->statistics; i++) room->values[i * rows + row] = values[i];
    return true;
}

/* The records of one history: the next answer is that of the next record with a key. */
static bool answer_all(const Histories *self, PyObject *keys, PyObject *entries, PyObject *answers, room_t *room)
{
    Py_ssize_t rows = PyList_Size(entries), next = 0;
    for (Py_ssize_t row = 0; row < rows; row++) {
        answer_t answer;
        bool has_key = PyList_GetItem(keys, row) != Py_None;
        if (has_key && (next == PyList_Size(answers) || !read_answer(PyList_GetItem(answers, next++), &answer)))
            return PyErr_Occurred() ? false : refuse("records and answers do not fit together");
        if (!answer_one(self, PyList_GetItem(entries, row), has_key ? &answer : NULL, room, row, rows)) return false;
    }
    return next == PyList_Size(answers) || refuse("records and answers do not fit together");
}

/* Who is asked about how many records, and how much there will be to say. */
typedef struct { Py_ssize_t histories, rows, statistics, kept, width; PyObject *keys, *entries, *answers; } asked_t;

static PyObject *item(PyObject *list, Py_ssize_t at) { return PyList_GetItem(list, at); }

static bool measure(PyTypeObject *type, PyObject *histories, asked_t *asked)
{
    asked->histories = PyList_Size(histories);
    bool sound = asked->histories > 0 && PyList_Size(asked->keys) == asked->histories
        && PyList_Size(asked->entries) == asked->histories && PyList_Size(asked->answers) == asked->histories;
    for (Py_ssize_t i = 0; sound && i < asked->histories; i++) {
        PyObject *lists[] = {item(asked->keys, i), item(asked->entries, i), item(asked->answers, i)};
        sound = Py_TYPE(item(histories, i)) == type && PyList_Check(lists[0]) && PyList_Check(lists[1]) && PyList_Check(lists[2]);
        if (!sound) break;
        const plan_t *plan = &((Histories *)item(histories, i))->plan;
        if (!i) asked->rows = PyList_Size(lists[0]);
        sound = PyList_Size(lists[0]) == asked->rows && PyList_Size(lists[1]) == asked->rows;
        asked->statistics += plan->statistics;
        if (plan->kept > asked->kept) asked->kept = plan->kept;
        if (plan->width > asked->width) asked->width = plan->width;
    }
    return sound || refuse("records and histories do not fit together");
}

static bool answer_histories(PyObject *histories, const asked_t *asked, room_t room)
{
    for (Py_ssize_t i = 0; i < asked->histories; i++) {
        const Histories *self = (Histories *)item(histories, i);
        if (!answer_all(self, item(asked->keys, i), item(asked->entries, i), item(asked->answers, i), &room)) return false;
        room.values += self->plan.statistics * asked->rows;
        room.flags += asked->rows;
        room.received += asked->rows;
    }
    return true;
}

/* What several histories say of the same packed records, from what a store answered about the keys of those that have one. */
static PyObject *Histories_recalled(PyObject *type, PyObject *arguments)
{
    PyObject *histories;
    asked_t asked = {0};
    if (!PyArg_ParseTuple(arguments, "O!O!O!O!:recalled", &PyList_Type, &histories, &PyList_Type, &asked.keys, &PyList_Type,
                          &asked.entries, &PyList_Type, &asked.answers) || !measure((PyTypeObject *)type, histories, &asked))
        return NULL;
    PyObject *values = PyBytes_FromStringAndSize(NULL, asked.statistics * asked.rows * 8);
    PyObject *flags = PyBytes_FromStringAndSize(NULL, asked.histories * asked.rows);
    PyObject *received = PyBytes_FromStringAndSize(NULL, asked.histories * asked.rows * 8);
    int64_t *entries = PyMem_Malloc((size_t)asked.kept * (size_t)asked.width * sizeof(int64_t));
    seen_t *seen = PyMem_Malloc(sizeof *seen + (size_t)asked.statistics * sizeof(double));
    PyObject *found = NULL;
    if (values && flags && received && entries && seen) {
        room_t room = {(double *)PyBytes_AsString(values), (uint8_t *)PyBytes_AsString(flags), (int64_t *)PyBytes_AsString(received), {.entries = entries}, seen};
        if (answer_histories(histories, &asked, room)) found = PyTuple_Pack(3, values, flags, received);
    } else if (!PyErr_Occurred()) PyErr_NoMemory();
    PyMem_Free(entries);
    PyMem_Free(seen);
    Py_XDECREF(values);
    Py_XDECREF(flags);
    Py_XDECREF(received);
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
    return plan->windows > 0 && plan->windows <= MOST_WINDOWS && plan->statistics <= MOST_STATISTICS && plan->kept > 0 && plan->kept <= MOST_KEPT
        && plan->width <= MOST_WIDTH;
}

static bool fill(Histories *self, int kept, int amounts, int values, const Py_buffer *windows, const Py_buffer *statistics, const Py_buffer *mark)
{
    if (amounts < 0 || values < 0 || amounts > MOST_WIDTH || values > MOST_WIDTH || mark->len != MARK_BYTES)
        return PyErr_SetString(PyExc_ValueError, "no such plan of statistics"), false;
    self->windows = PyMem_Malloc((size_t)windows->len + 1);
    self->statistics = PyMem_Malloc((size_t)statistics->len + 1);
    if (!self->windows || !self->statistics) return PyErr_NoMemory(), false;
    memcpy(self->windows, windows->buf, (size_t)windows->len);
    memcpy(self->statistics, statistics->buf, (size_t)statistics->len);
    self->plan = (plan_t){kept, amounts, FIRST_VALUE + amounts + values, (int)(windows->len / (Py_ssize_t)sizeof(window_t)),
                          (int)(statistics->len / (Py_ssize_t)sizeof(statistic_t)), self->windows, self->statistics};
    if (!is_sound(&self->plan)) return PyErr_SetString(PyExc_ValueError, "no such plan of statistics"), false;
    memcpy(self->mark, mark->buf, MARK_BYTES);
    /* the squares of as many amounts as are kept add up to less than 2^63 */
    self->layout = (layout_t){amounts, kept > 1 ? 4 : 6, values, 3037000499LL / kept, self->mark};
    return true;
}

static PyObject *Histories_new(PyTypeObject *type, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    int kept, amounts, values;
    Py_buffer windows, statistics, mark;
    if (!PyArg_ParseTuple(arguments, "iiiy*y*y*:Histories", &kept, &amounts, &values, &windows, &statistics, &mark)) return NULL;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Histories *self = (Histories *)allocate(type, 0);
    if (self && !fill(self, kept, amounts, values, &windows, &statistics, &mark)) Py_CLEAR(self);
    PyBuffer_Release(&windows);
    PyBuffer_Release(&statistics);
    PyBuffer_Release(&mark);
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
    {"recalled", Histories_recalled, METH_VARARGS | METH_CLASS, "Statistics, flags and arrivals of packed records, from a store's answers."},
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
