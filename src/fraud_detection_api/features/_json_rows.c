/* A plain JSON array of flat records becomes columns. Sound, not complete: what is accepted is what the
   full validation would accept, with the same values; whatever is unusual is declined (None) and left to it. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "_json_values.h"
#include "_json_times.h"

enum { MOST_FIELDS = 256 };
static const Py_ssize_t BYTES_TO_RELEASE_GIL = 1 << 16; /* below, waiting to get it back costs more than reading */

typedef enum { INTEGER, NUMBER, BOOLEAN, DATE, TIME, IDENTIFIER, TEXT, TEXT_IDENTIFIER, KINDS } Kind;
static const char *const KIND_NAMES[KINDS] = {"integer", "number", "boolean", "date", "time", "identifier", "text", "text identifier"};

typedef struct {
    char *key; /* with both quotes, so that one comparison decides and no name is taken for a longer one */
    Py_ssize_t length;
    Py_ssize_t column; /* among the columns of its output; a text has one among the numbers, too, of zeros */
    Kind kind;
    bool optional;
} Field;

typedef struct {
    PyObject_HEAD
    Py_ssize_t count, numbers, identifiers, texts;
    Py_ssize_t least_row; /* bytes of the shortest row there can be */
    Field fields[MOST_FIELDS];
} Reader;

typedef struct {
    double *numbers;
    int64_t *identifiers, *spans;
    Py_ssize_t rows;
    const uint8_t *body;
    uint16_t after[MOST_FIELDS + 1]; /* the field that last followed each one (0: the start), as rows repeat their order */
} Table;

static bool is_text(const Field *field) { return field->kind >= TEXT; }

static bool put_missing(const Field *field, Table *table, Py_ssize_t row)
{
    Py_ssize_t cell = field->column * table->rows + row;
    if (!field->optional || field->kind == IDENTIFIER) return false; /* no int64 means missing */
    if (is_text(field)) table->spans[2 * cell] = -1, table->spans[2 * cell + 1] = 0;
    else table->numbers[cell] = NAN;
    return true;
}

static const uint8_t *read_value(const Field *field, Table *table, Py_ssize_t row, const uint8_t *at, const uint8_t *end)
{
    Py_ssize_t cell = field->column * table->rows + row;
    if (at == end) return NULL;
    if (*at == 'n') return is_word(at, end, "null") && put_missing(field, table, row) ? at + 4 : NULL;
    if (is_text(field)) return read_text(at, end, table->body, &table->spans[2 * cell]);
    if (field->kind == IDENTIFIER) return read_identifier(at, end, &table->identifiers[cell]);
    if (field->kind == DATE) return read_date(at, end, &table->numbers[cell]);
    if (field->kind == TIME) return read_time(at, end, &table->numbers[cell]);
    if (field->kind != BOOLEAN) return read_number(at, end, field->kind == INTEGER, &table->numbers[cell]);
    table->numbers[cell] = *at == 't';
    if (is_word(at, end, "true")) return at + 4;
    return is_word(at, end, "false") ? at + 5 : NULL;
}

static bool is_at(const Field *field, const uint8_t *at, const uint8_t *end)
{
    return end - at >= field->length && memcmp(at, field->key, (size_t)field->length) == 0;
}

static int find_field(const Reader *reader, int guess, const uint8_t *at, const uint8_t *end)
{
    if (guess < reader->count && is_at(&reader->fields[guess], at, end)) return guess;
    for (int index = 0; index < reader->count; index++)
        if (is_at(&reader->fields[index], at, end)) return index;
    return -1;
}

static bool put_absent(const Reader *reader, const bool *seen, Table *table, Py_ssize_t row)
{
    for (int index = 0; index < reader->count; index++)
        if (!seen[index] && !put_missing(&reader->fields[index], table, row)) return false;
    return true;
}

/* From behind the opening brace to behind the closing one. */
static const uint8_t *read_row(const Reader *reader, Table *table, Py_ssize_t row, const uint8_t *at, const uint8_t *end)
{
    bool seen[MOST_FIELDS];
    memset(seen, 0, (size_t)reader->count);
    int count = 0, previous = 0;
    at = skip_space(at, end);
    bool more = at < end && *at != '}';
    while (more) {
        int index = find_field(reader, table->after[previous], at, end);
        if (index < 0 || seen[index]) return NULL;
        table->after[previous] = (uint16_t)index;
        previous = index + 1;
        seen[index] = true;
        count++;
        at = skip_space(at + reader->fields[index].length, end);
        if (at == end || *at != ':') return NULL;
        at = read_value(&reader->fields[index], table, row, skip_space(at + 1, end), end);
        if (at == NULL || (at = skip_space(at, end)) == end) return NULL;
        more = *at == ',';
        if (more) at = skip_space(at + 1, end);
    }
    if (at == end || *at != '}') return NULL;
    return count == reader->count || put_absent(reader, seen, table, row) ? at + 1 : NULL;
}

static bool read_rows(const Reader *reader, Table *table, const uint8_t *end)
{
    Py_ssize_t row = 0;
    const uint8_t *at = skip_space(table->body, end);
    if (at == end || *at != '[') return false;
    at = skip_space(at + 1, end);
    bool more = at < end && *at != ']';
    while (more) {
        if (at == end || *at != '{' || row == table->rows) return false;
        at = read_row(reader, table, row++, at + 1, end);
        if (at == NULL || (at = skip_space(at, end)) == end) return false;
        more = *at == ',';
        if (more) at = skip_space(at + 1, end);
    }
    return at < end && *at == ']' && skip_space(at + 1, end) == end && row == table->rows;
}

/* Opening braces are rows, as nothing nests (a text with a brace is declined for it); -1 for more than can be read. */
static Py_ssize_t count_rows(const Reader *reader, const Py_buffer *body, Py_ssize_t most_rows)
{
    const uint8_t *at = body->buf, *end = at + body->len;
    Py_ssize_t rows = 0, most = body->len / reader->least_row; /* so that memory is asked for real rows only */
    if (most > most_rows) most = most_rows;
    for (; at < end && (at = memchr(at, '{', (size_t)(end - at))) != NULL; at++)
        if (++rows > most) return -1;
    return most < 0 || rows > PY_SSIZE_T_MAX / (MOST_FIELDS * 16) ? -1 : rows;
}

/* The texts of each field, None where one is missing. */
static PyObject *texts_of(const Table *table, Py_ssize_t fields)
{
    PyObject *all = PyList_New(fields);
    for (Py_ssize_t field = 0; all && field < fields; field++) {
        PyObject *texts = PyList_New(table->rows);
        if (!texts || PyList_SetItem(all, field, texts) < 0) { Py_CLEAR(all); break; }
        const int64_t *span = table->spans + 2 * field * table->rows;
        for (Py_ssize_t row = 0; row < table->rows; row++, span += 2) {
            const char *start = (const char *)table->body + span[0];
            PyObject *text = span[0] < 0 ? Py_NewRef(Py_None) : PyUnicode_DecodeUTF8(start, (Py_ssize_t)span[1], NULL);
            if (!text || PyList_SetItem(texts, row, text) < 0) { Py_CLEAR(all); break; }
        }
    }
    return all;
}

static PyObject *read_body(const Reader *reader, const Py_buffer *body, Py_ssize_t rows)
{
    PyObject *numbers = PyBytes_FromStringAndSize(NULL, reader->numbers * rows * 8);
    PyObject *identifiers = PyBytes_FromStringAndSize(NULL, reader->identifiers * rows * 8);
    int64_t *spans = PyMem_Malloc((size_t)(reader->texts * rows * 16) + 1);
    PyObject *result = NULL, *texts = NULL;
    if (numbers && identifiers && spans) {
        Table table = {(double *)PyBytes_AsString(numbers), (int64_t *)PyBytes_AsString(identifiers), spans, rows, body->buf, {0}};
        for (int index = 0; index < reader->count; index++) table.after[index] = (uint16_t)index;
        if (reader->texts) memset(table.numbers, 0, (size_t)(reader->numbers * rows * 8));
        PyThreadState *thread = body->len >= BYTES_TO_RELEASE_GIL ? PyEval_SaveThread() : NULL;
        bool accepted = read_rows(reader, &table, table.body + body->len);
        if (thread != NULL) PyEval_RestoreThread(thread);
        if (!accepted) result = Py_NewRef(Py_None);
        else if ((texts = texts_of(&table, reader->texts)) != NULL) result = Py_BuildValue("nOOO", rows, numbers, identifiers, texts);
    } else if (!PyErr_Occurred()) PyErr_NoMemory();
    Py_XDECREF(numbers);
    Py_XDECREF(identifiers);
    Py_XDECREF(texts);
    PyMem_Free(spans);
    return result;
}

static PyObject *Reader_read(PyObject *self, PyObject *arguments)
{
    Py_buffer body;
    Py_ssize_t most_rows;
    if (!PyArg_ParseTuple(arguments, "y*n:read", &body, &most_rows)) return NULL;
    Py_ssize_t rows = body.len ? count_rows((Reader *)self, &body, most_rows) : -1;
    PyObject *result = rows < 0 ? Py_NewRef(Py_None) : read_body((Reader *)self, &body, rows);
    PyBuffer_Release(&body);
    return result;
}

/* A name is compared with the bytes of the body as they are, so it must be one that JSON writes as it is. */
static char *quoted(const char *name, Py_ssize_t length)
{
    for (Py_ssize_t index = 0; index < length; index++)
        if ((uint8_t)name[index] < ' ' || name[index] == '"' || name[index] == '\\')
            return PyErr_Format(PyExc_ValueError, "a field's name cannot be matched in plain JSON: %s", name), NULL;
    char *key = PyMem_Malloc((size_t)length + 2);
    if (key == NULL) return (char *)PyErr_NoMemory();
    key[0] = key[length + 1] = '"';
    memcpy(key + 1, name, (size_t)length);
    return key;
}

static bool add_field(Reader *reader, PyObject *item)
{
    PyObject *name;
    const char *kind, *text;
    int optional, number = 0;
    Py_ssize_t length;
    if (!PyTuple_Check(item)) return PyErr_SetString(PyExc_TypeError, "a field is (name, kind, optional)"), false;
    if (!PyArg_ParseTuple(item, "Usp", &name, &kind, &optional)) return false;
    if ((text = PyUnicode_AsUTF8AndSize(name, &length)) == NULL) return false;
    while (number < KINDS && strcmp(kind, KIND_NAMES[number])) number++;
    if (number == KINDS) return PyErr_Format(PyExc_ValueError, "unknown kind of field: %s", kind), false;
    char *key = quoted(text, length);
    if (key == NULL) return false;
    Py_ssize_t *columns = number >= TEXT ? &reader->texts : number == IDENTIFIER ? &reader->identifiers : &reader->numbers;
    if (number == TEXT) reader->numbers++;
    int before = find_field(reader, 0, (uint8_t *)key, (uint8_t *)key + length + 2);
    reader->fields[reader->count++] = (Field){key, length + 2, (*columns)++, (Kind)number, optional};
    if (before >= 0) return PyErr_Format(PyExc_ValueError, "a field is named twice: %s", text), false;
    if (!optional) reader->least_row += length + 2 + 2; /* its key, colon and one byte of value */
    return true;
}

static bool add_fields(Reader *reader, PyObject *fields)
{
    Py_ssize_t count = PySequence_Size(fields);
    if (count > MOST_FIELDS) return PyErr_Format(PyExc_ValueError, "more than %d fields", MOST_FIELDS), false;
    for (Py_ssize_t index = 0; index < count; index++) {
        PyObject *item = PySequence_GetItem(fields, index);
        bool added = item != NULL && add_field(reader, item);
        Py_XDECREF(item);
        if (!added) return false;
    }
    return count >= 0;
}

/* Made whole in __new__, so that calling __init__ again changes nothing. */
static PyObject *Reader_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords)
{
    static char *names[] = {"fields", NULL};
    PyObject *fields;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O:Reader", names, &fields)) return NULL;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Reader *reader = (Reader *)allocate(type, 0);
    if (reader == NULL) return NULL;
    reader->least_row = 2;
    if (add_fields(reader, fields)) return (PyObject *)reader;
    Py_DECREF(reader);
    return NULL;
}

static void Reader_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    Reader *reader = (Reader *)self;
    for (Py_ssize_t index = 0; index < reader->count; index++) PyMem_Free(reader->fields[index].key);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"read", Reader_read, METH_VARARGS, "The columns of a plain body (rows, numbers, identifiers, texts), or None."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Reads JSON arrays of one kind of flat record into columns."},
    {Py_tp_new, Reader_new},
    {Py_tp_dealloc, Reader_free},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec type_spec = {
    "fraud_detection_api.features._json_rows.Reader", sizeof(Reader), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots,
};

static int fill_module(PyObject *module)
{
    fill_scales();
    PyObject *type = PyType_FromModuleAndSpec(module, &type_spec, NULL);
    int failed = type == NULL ? -1 : PyModule_AddObjectRef(module, "Reader", type);
    Py_XDECREF(type);
    return failed;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, fill_module}, {0, NULL}};
static PyModuleDef module_definition = {PyModuleDef_HEAD_INIT, .m_name = "_json_rows", .m_slots = module_slots};

PyMODINIT_FUNC PyInit__json_rows(void)
{
    return PyModuleDef_Init(&module_definition);
}
