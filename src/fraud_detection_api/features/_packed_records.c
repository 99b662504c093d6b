/* Records as stores of histories are told of them: the hash of each key, and an entry of whole numbers and hashes of fixed
 * widths without the time of its arrival, which the store adds. A recipe says where they are among a record's fields. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdbool.h>
#include "_big_endian.h"
#include "_blake2b.h"

enum { KEY_BYTES = 8, VALUE_BYTES = 6, DIGEST_BYTES = KEY_BYTES + VALUE_BYTES, MOST = 64, MOST_COLUMNS = 4096 };
enum { NUMBER, TEXT, IDENTIFIER, SOURCES };

typedef struct { int64_t column, scale, bytes, most; } amount_t;  /* where it is, and how it lies in an entry */
typedef struct { int64_t kind, place; } source_t;                 /* what a hash is made of */
typedef struct { int64_t first, count; } hashed_t;                /* so many sources together */
typedef struct { int64_t key, amounts, values, at[MOST]; } recipe_t; /* hashes and amounts by their places; amounts first */

typedef struct {
    int64_t columns, texts, time, unit;
    Py_ssize_t amounts, sources, hashed, recipes;
    amount_t amount[MOST];
    source_t source[MOST];
    hashed_t hash[MOST];
    recipe_t recipe[MOST];
    blake2b_t secret;
} plan_t;

typedef struct { PyObject_HEAD plan_t plan; } Packer;

typedef struct {
    const plan_t *plan;
    Py_ssize_t rows;
    const double *numbers;
    const int64_t *identifiers;
    PyObject *texts;
} records_t;

typedef struct { const char *text; Py_ssize_t bytes, length; char digits[24]; } part_t;
typedef enum { FAILED = -1, NONE, SOME } found_t;
typedef struct { bool is_some; uint8_t bytes[DIGEST_BYTES]; } digest_t;

/* Digits as Python writes them, in the last of so many bytes; where they begin. */
static char *digits_of(int64_t number, char *end)
{
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    do *--end = (char)('0' + left % 10); while (left /= 10);
    if (number < 0) *--end = '-';
    return end;
}

static found_t of_number(part_t *part, int64_t number)
{
    char *end = part->digits + sizeof part->digits;
    part->text = digits_of(number, end);
    part->bytes = part->length = end - part->text;
    return SOME;
}

static found_t of_text(part_t *part, PyObject *text)
{
    if (!text) return FAILED;
    if (text == Py_None) return NONE;
    part->text = PyUnicode_AsUTF8AndSize(text, &part->bytes);
    part->length = part->text ? PyUnicode_GetLength(text) : 0;
    return part->text ? SOME : FAILED;
}

static found_t read_part(const records_t *records, const source_t *source, Py_ssize_t row, part_t *part)
{
    if (source->kind == IDENTIFIER) return of_number(part, records->identifiers[row]);
    if (source->kind == TEXT) {
        PyObject *texts = PyList_GetItem(records->texts, source->place);
        return of_text(part, texts ? PyList_GetItem(texts, row) : NULL);
    }
    double number = records->numbers[source->place * records->rows + row];
    if (isnan(number)) return NONE;
    if (fabs(number) < 0x1p63) return of_number(part, (int64_t)number);
    return PyErr_SetString(PyExc_ValueError, "a number has no hash"), FAILED;
}

/* Several parts become one text, each with its length so that no two look alike. */
static found_t join(const records_t *records, const hashed_t *hashed, Py_ssize_t row, digest_t *digests)
{
    size_t size = 0, room = 256;
    char *text = PyMem_Malloc(room);
    found_t found = text ? SOME : (PyErr_NoMemory(), FAILED);
    for (int64_t i = 0; found == SOME && i < hashed->count; i++) {
        part_t part;
        found = read_part(records, records->plan->source + hashed->first + i, row, &part);
        if (found != SOME) break;
        if (room < size + (size_t)part.bytes + 24) {
            char *larger = PyMem_Realloc(text, room = 2 * (size + (size_t)part.bytes + 24));
            if (!larger) { PyErr_NoMemory(), found = FAILED; break; }
            text = larger;
        }
        char length[24], *end = length + sizeof length - 1, *digits = digits_of(part.length, end);
        *end = ':';
        size_t before = (size_t)(end + 1 - digits);
        memcpy(text + size, digits, before);
        memcpy(text + size + before, part.text, (size_t)part.bytes);
        size += before + (size_t)part.bytes;
    }
    if (found == SOME) digest(&records->plan->secret, (uint8_t *)text, size, digests->bytes, DIGEST_BYTES);
    PyMem_Free(text);
    return found;
}

static bool hash(const records_t *records, const hashed_t *hashed, Py_ssize_t row, digest_t *out)
{
    part_t part;
    found_t found;
    if (hashed->count > 1) found = join(records, hashed, row, out);
    else {
        found = read_part(records, records->plan->source + hashed->first, row, &part);
        if (found == SOME) digest(&records->plan->secret, (const uint8_t *)part.text, (size_t)part.bytes, out->bytes, DIGEST_BYTES);
    }
    out->is_some = found == SOME;
    if (found != SOME) return found == NONE;
    if (number_of(out->bytes, KEY_BYTES) == lowest_of(KEY_BYTES)) out->bytes[KEY_BYTES - 1] = 1; /* that is nobody's */
    if (number_of(out->bytes + KEY_BYTES, VALUE_BYTES) == lowest_of(VALUE_BYTES)) out->bytes[DIGEST_BYTES - 1] = 1;
    return true;
}

static bool put_amount(const records_t *records, const amount_t *amount, Py_ssize_t row, uint8_t *at)
{
    double number = records->numbers[amount->column * records->rows + row];
    double scaled = isnan(number) ? 0 : rint(number * (double)amount->scale);
    if (!(fabs(scaled) <= (double)amount->most)) return false;
    put_number(at, isnan(number) ? lowest_of((int)amount->bytes) : (int64_t)scaled, (int)amount->bytes);
    return true;
}

static PyObject *entry_of(const records_t *records, const recipe_t *recipe, const digest_t *digests, Py_ssize_t row)
{
    const plan_t *plan = records->plan;
    uint8_t packed[20 + 8 * MOST] = {0}, *at = packed + 20; /* time, id, and a label that nobody knows yet */
    double time = records->numbers[plan->time * records->rows + row] * (double)plan->unit;
    bool fits = time >= FIRST_TIME && time <= LAST_TIME;
    if (fits) put_number(packed, (int64_t)time, 8);
    put_number(packed + 8, records->identifiers[row], 8);
    for (int64_t i = 0; fits && i < recipe->amounts; i++) {
        const amount_t *amount = plan->amount + recipe->at[i];
        fits = put_amount(records, amount, row, at);
        at += amount->bytes;
    }
    if (!fits) return PyErr_SetString(PyExc_ValueError, "a number of an entry lies outside of what its history may hold"), NULL;
    for (int64_t i = 0; i < recipe->values; i++, at += VALUE_BYTES) {
        const digest_t *value = digests + recipe->at[recipe->amounts + i];
        if (value->is_some) memcpy(at, value->bytes + KEY_BYTES, VALUE_BYTES);
        else put_number(at, lowest_of(VALUE_BYTES), VALUE_BYTES);
    }
    return PyBytes_FromStringAndSize((char *)packed, at - packed);
}

/* A record at its keys: it goes to its place in the keys and the entries of each history. */
static bool pack_record(const records_t *records, Py_ssize_t row, PyObject *found)
{
    digest_t digests[MOST];
    for (Py_ssize_t i = 0; i < records->plan->hashed; i++)
        if (!hash(records, records->plan->hash + i, row, digests + i)) return false;
    for (Py_ssize_t i = 0; i < records->plan->recipes; i++) {
        const recipe_t *recipe = records->plan->recipe + i;
        const digest_t *own = digests + recipe->key;
        PyObject *pair = PyList_GetItem(found, i), *entry = entry_of(records, recipe, digests, row);
        PyObject *key = own->is_some ? PyBytes_FromStringAndSize((char *)own->bytes, KEY_BYTES) : Py_NewRef(Py_None);
        if (!entry || !key) return Py_XDECREF(entry), Py_XDECREF(key), false;
        PyList_SetItem(PyTuple_GetItem(pair, 0), row, key);
        PyList_SetItem(PyTuple_GetItem(pair, 1), row, entry);
    }
    return true;
}

static PyObject *places_for(const records_t *records)
{
    PyObject *found = PyList_New(records->plan->recipes);
    for (Py_ssize_t i = 0; found && i < records->plan->recipes; i++) {
        PyObject *pair = Py_BuildValue("(NN)", PyList_New(records->rows), PyList_New(records->rows));
        if (!pair || PyList_SetItem(found, i, pair) < 0) Py_CLEAR(found);
    }
    return found;
}

static bool texts_fit(const records_t *records)
{
    if (PyList_Size(records->texts) != records->plan->texts) return false;
    for (Py_ssize_t i = 0; i < records->plan->texts; i++) {
        PyObject *one = PyList_GetItem(records->texts, i);
        if (!PyList_Check(one) || PyList_Size(one) != records->rows) return false;
    }
    return true;
}

static PyObject *Packer_pack(PyObject *self, PyObject *arguments)
{
    Py_buffer numbers, identifiers;
    PyObject *texts, *found = NULL;
    if (!PyArg_ParseTuple(arguments, "y*y*O!:pack", &numbers, &identifiers, &PyList_Type, &texts)) return NULL;
    const plan_t *plan = &((Packer *)self)->plan;
    records_t records = {plan, identifiers.len / 8, numbers.buf, identifiers.buf, texts};
    if (identifiers.len % 8 || numbers.len != records.rows * plan->columns * 8 || !texts_fit(&records))
        PyErr_SetString(PyExc_ValueError, "records do not fit together");
    else found = places_for(&records);
    for (Py_ssize_t row = 0; found && row < records.rows; row++)
        if (!pack_record(&records, row, found)) Py_CLEAR(found);
    PyBuffer_Release(&numbers);
    PyBuffer_Release(&identifiers);
    return found;
}

static bool is_in(int64_t place, int64_t count) { return place >= 0 && place < count; }

static bool is_sound(const plan_t *plan)
{
    if (plan->columns > MOST_COLUMNS || !is_in(plan->time, plan->columns) || plan->unit < 1 || plan->texts < 0) return false;
    for (Py_ssize_t i = 0; i < plan->amounts; i++) {
        const amount_t *amount = plan->amount + i;
        if (!is_in(amount->column, plan->columns) || (amount->bytes != 4 && amount->bytes != 6) || amount->scale < 1) return false;
        if (amount->most < 0 || amount->most >= -lowest_of((int)amount->bytes)) return false;
    }
    for (Py_ssize_t i = 0; i < plan->sources; i++) {
        const source_t *source = plan->source + i;
        int64_t most = source->kind == NUMBER ? plan->columns : source->kind == TEXT ? plan->texts : 1;
        if (!is_in(source->kind, SOURCES) || !is_in(source->place, most)) return false;
    }
    for (Py_ssize_t i = 0; i < plan->hashed; i++) {
        const hashed_t *hashed = plan->hash + i;
        if (hashed->count < 1 || !is_in(hashed->first, plan->sources) || hashed->count > plan->sources - hashed->first) return false;
    }
    return true;
}

static bool recipes_are_sound(const plan_t *plan)
{
    for (Py_ssize_t i = 0; i < plan->recipes; i++) {
        const recipe_t *recipe = plan->recipe + i;
        if (!is_in(recipe->key, plan->hashed) || !is_in(recipe->amounts, MOST + 1) || !is_in(recipe->values, MOST + 1 - recipe->amounts))
            return false;
        for (int64_t at = 0; at < recipe->amounts + recipe->values; at++)
            if (!is_in(recipe->at[at], at < recipe->amounts ? plan->amounts : plan->hashed)) return false;
    }
    return true;
}

/* Rows of whole numbers, each of so many bytes, as many as there is room for. */
static bool take(const Py_buffer *given, void *rows, size_t size, Py_ssize_t *count)
{
    *count = given->len / (Py_ssize_t)size;
    if (given->len % (Py_ssize_t)size || *count > MOST) return false;
    memcpy(rows, given->buf, (size_t)given->len);
    return true;
}

static PyObject *Packer_new(PyTypeObject *type, PyObject *arguments, PyObject *Py_UNUSED(keywords))
{
    Py_buffer given[5]; /* the secret, amounts, sources, what is hashed, a recipe for each history */
    long long columns, texts, time, unit;
    if (!PyArg_ParseTuple(arguments, "LLLLy*y*y*y*y*:Packer", &columns, &texts, &time, &unit, given, given + 1, given + 2, given + 3, given + 4))
        return NULL;
    allocfunc allocate = (allocfunc)PyType_GetSlot(type, Py_tp_alloc);
    Packer *self = (Packer *)allocate(type, 0);
    if (self) {
        plan_t *plan = &self->plan;
        plan->columns = columns, plan->texts = texts, plan->time = time, plan->unit = unit;
        bool sound = given->len == FIRST_BYTES
            && take(given + 1, plan->amount, sizeof *plan->amount, &plan->amounts)
            && take(given + 2, plan->source, sizeof *plan->source, &plan->sources)
            && take(given + 3, plan->hash, sizeof *plan->hash, &plan->hashed)
            && take(given + 4, plan->recipe, sizeof *plan->recipe, &plan->recipes) && is_sound(plan) && recipes_are_sound(plan);
        if (sound) set_secret(&plan->secret, given->buf, DIGEST_BYTES);
        else {
            PyErr_SetString(PyExc_ValueError, "no such recipe");
            Py_CLEAR(self);
        }
    }
    for (int i = 0; i < 5; i++) PyBuffer_Release(given + i);
    return (PyObject *)self;
}

static void Packer_free(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

static PyMethodDef methods[] = {
    {"pack", Packer_pack, METH_VARARGS, "The keys and the packed entries of records, history by history."},
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Packs records for stores of histories."},
    {Py_tp_new, Packer_new},
    {Py_tp_dealloc, Packer_free},
    {Py_tp_methods, methods},
    {0, NULL},
};

static PyType_Spec type_spec = {
    "fraud_detection_api.features._packed_records.Packer", sizeof(Packer), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE, slots,
};

static int fill_module(PyObject *module)
{
    PyObject *type = PyType_FromModuleAndSpec(module, &type_spec, NULL);
    int failed = type == NULL ? -1 : PyModule_AddObjectRef(module, "Packer", type);
    Py_XDECREF(type);
    return failed;
}

static PyModuleDef_Slot module_slots[] = {{Py_mod_exec, fill_module}, {0, NULL}};
static PyModuleDef module_definition = {PyModuleDef_HEAD_INIT, .m_name = "_packed_records", .m_slots = module_slots};

PyMODINIT_FUNC PyInit__packed_records(void)
{
    return PyModuleDef_Init(&module_definition);
}
