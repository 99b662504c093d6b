/* JSON values, read strictly; a number is the correctly rounded double or none at all. Readers return the place after
   what they read, or NULL to decline. */
#include <float.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { MOST_DIGITS = 19, LEAST_POWER = -342, MOST_POWER = 308, LIMBS = 32 };
static const double INTEGER_BOUND = 1e15;

/* A number as written: digits x 10^power. */
typedef struct {
    uint64_t digits;
    int64_t power;
    bool negative, integral;
} Literal;

/* 5^power, cut off to 128 bits: high and low words x 2^exponent, less than one unit below the truth. */
typedef struct {
    uint64_t high, low;
    int exponent;
} Scale;

static Scale scales[MOST_POWER - LEAST_POWER + 1];

static Scale top_bits(const uint32_t *big, int exponent)
{
    int top = LIMBS - 1;
    while (!big[top]) top--;
    uint64_t high = (uint64_t)big[top] << 32 | big[top - 1], low = (uint64_t)big[top - 2] << 32 | big[top - 3];
    uint32_t next = big[top - 4];
    exponent += 32 * (top - 3);
    for (; !(high >> 63); exponent--) {
        high = high << 1 | low >> 63;
        low = low << 1 | next >> 31;
        next <<= 1;
    }
    return (Scale){high, low, exponent};
}

static void fill_scales(void)
{
    uint32_t big[LIMBS] = {[4] = 1};
    for (int power = 0; power <= MOST_POWER; power++) {
        scales[power - LEAST_POWER] = top_bits(big, -32 * 4);
        uint64_t carry = 0;
        for (int limb = 0; limb < LIMBS; limb++, carry >>= 32) big[limb] = (uint32_t)(carry += (uint64_t)big[limb] * 5);
    }
    memset(big, 0, sizeof big);
    big[LIMBS - 1] = 1; /* dividing by five again and again, cutting off each time, equals one cut after one division */
    for (int power = 0; power >= LEAST_POWER; power--) {
        scales[power - LEAST_POWER] = top_bits(big, -32 * (LIMBS - 1));
        uint64_t rest = 0;
        for (int limb = LIMBS - 1; limb >= 0; limb--) {
            rest = rest << 32 | big[limb];
            big[limb] = (uint32_t)(rest / 5);
            rest %= 5;
        }
    }
}

static uint64_t multiply(uint64_t a, uint64_t b, uint64_t *low)
{
#ifdef __SIZEOF_INT128__
    unsigned __int128 product = (unsigned __int128)a * b;
    *low = (uint64_t)product;
    return (uint64_t)(product >> 64);
#else
    uint64_t a0 = (uint32_t)a, a1 = a >> 32, b0 = (uint32_t)b, b1 = b >> 32;
    uint64_t middle = a1 * b0 + (a0 * b0 >> 32), other = a0 * b1 + (uint32_t)middle;
    *low = a * b;
    return a1 * b1 + (middle >> 32) + (other >> 32);
#endif
}

/* The nearest double, or false where 128 bits cannot prove which one it is (exact ties among them). */
static bool scaled(uint64_t digits, int64_t power, double *value)
{
    if (power < LEAST_POWER || power > MOST_POWER) return false;
    const Scale *scale = &scales[power - LEAST_POWER];
    int exponent = scale->exponent + (int)power;
    for (; !(digits >> 63); exponent--) digits <<= 1;
    uint64_t low, unused;
    uint64_t high = multiply(digits, scale->high, &low), carry = multiply(digits, scale->low, &unused);
    low += carry;
    high += low < carry;
    /* The truth lies in [high:low, high:low + 2), one for the cut in the scale and one for the words left out. */
    int spare = 10 + (int)(high >> 63);
    uint64_t rest = high & ((UINT64_C(1) << spare) - 1), half = UINT64_C(1) << (spare - 1);
    if ((rest == half && low == 0) || (rest == half - 1 && low == UINT64_MAX)) return false;
    exponent += 128 + spare;
    if (exponent < -1074) return false; /* subnormal: its digits would be rounded twice */
    *value = ldexp((double)((high >> spare) + (rest >= half)), exponent);
    return isfinite(*value);
}

static bool to_double(const Literal *literal, double *value)
{
    static const double TENS[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                  1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    int64_t power = literal->power;
    if (FLT_EVAL_METHOD == 0 && literal->digits <= UINT64_C(1) << 53 && power >= -22 && power <= 22) {
        *value = (double)literal->digits; /* both sides exact, so the one operation rounds correctly */
        *value = power < 0 ? *value / TENS[-power] : *value * TENS[power];
    } else if (literal->digits == 0) {
        *value = 0.0;
    } else if (!scaled(literal->digits, power, value)) {
        return false;
    }
    if (literal->negative && !(literal->integral && literal->digits == 0)) *value = -*value; /* -0 is the integer 0 */
    return true;
}

static const uint8_t *read_digits(const uint8_t *at, const uint8_t *end, uint64_t *digits)
{
    for (; at < end && *at >= '0' && *at <= '9'; at++) *digits = *digits * 10 + (uint64_t)(*at - '0');
    return at;
}

static bool fits(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == '0' || *at == '.')) at++;
    return end - at <= MOST_DIGITS + (at < end && memchr(at, '.', (size_t)(end - at)) != NULL);
}

static const uint8_t *read_exponent(const uint8_t *at, const uint8_t *end, Literal *literal)
{
    bool negative = at < end && *at == '-';
    if (negative || (at < end && *at == '+')) at++;
    const uint8_t *start = at;
    int64_t exponent = 0;
    for (; at < end && *at >= '0' && *at <= '9'; at++) {
        exponent = exponent * 10 + (*at - '0');
        if (exponent > 9999) return NULL;
    }
    literal->power += negative ? -exponent : exponent;
    literal->integral = false;
    return at == start ? NULL : at;
}

static const uint8_t *read_literal(const uint8_t *at, const uint8_t *end, Literal *literal)
{
    *literal = (Literal){.negative = at < end && *at == '-', .integral = true};
    at += literal->negative;
    const uint8_t *start = at;
    at = read_digits(at, end, &literal->digits);
    if (at == start || (*start == '0' && at - start > 1)) return NULL;
    if (at < end && *at == '.') {
        const uint8_t *fraction = at + 1;
        at = read_digits(fraction, end, &literal->digits);
        if (at == fraction) return NULL;
        literal->power = fraction - at;
        literal->integral = false;
    }
    if (at - start > MOST_DIGITS && !fits(start, at)) return NULL; /* the digits may have overflowed */
    return at < end && (*at == 'e' || *at == 'E') ? read_exponent(at + 1, end, literal) : at;
}

static const uint8_t *read_number(const uint8_t *at, const uint8_t *end, bool is_integer, double *value)
{
    Literal literal;
    at = read_literal(at, end, &literal);
    if (at == NULL || !to_double(&literal, value)) return NULL;
    if (!is_integer) return at;
    if (fabs(*value) >= INTEGER_BOUND || floor(*value) != *value) return NULL;
    if (*value == 0.0) *value = 0.0; /* an integer has no negative zero */
    return at;
}

static const uint8_t *read_identifier(const uint8_t *at, const uint8_t *end, int64_t *value)
{
    Literal literal;
    at = read_literal(at, end, &literal);
    if (at == NULL || !literal.integral || literal.digits > (uint64_t)INT64_MAX + literal.negative) return NULL;
    if (literal.negative && literal.digits) *value = -(int64_t)(literal.digits - 1) - 1; /* -2^63 without overflow */
    else *value = (int64_t)literal.digits;
    return at;
}

static const uint8_t *skip_space(const uint8_t *at, const uint8_t *end)
{
    while (at < end && (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')) at++;
    return at;
}

static bool is_word(const uint8_t *at, const uint8_t *end, const char *word)
{
    size_t length = strlen(word);
    return (size_t)(end - at) >= length && memcmp(at, word, length) == 0;
}

/* The end of one UTF-8 character beyond ASCII: no overlong forms, no surrogates, nothing past U+10FFFF. */
static const uint8_t *skip_character(const uint8_t *at, const uint8_t *end)
{
    uint8_t lead = *at++;
    int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    if (lead < 0xC2 || lead > 0xF4 || end - at < more) return NULL;
    uint8_t least = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
    uint8_t most = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
    for (; more; more--, at++, least = 0x80, most = 0xBF)
        if (*at < least || *at > most) return NULL;
    return at;
}

static const uint8_t *read_text(const uint8_t *at, const uint8_t *end, const uint8_t *body, int64_t *span)
{
    if (*at++ != '"') return NULL;
    const uint8_t *start = at;
    while (at != NULL && at < end && *at != '"') {
        if (*at < ' ' || *at == '\\') return NULL;
        at = *at < 0x80 ? at + 1 : skip_character(at, end);
    }
    if (at == NULL || at == end) return NULL;
    span[0] = start - body;
    span[1] = at - start;
    return at + 1;
}
