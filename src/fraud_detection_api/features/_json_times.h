/* Dates and times in JSON texts: YYYY-MM-DD as days since 1970, and YYYY-MM-DDTHH:MM:SS[.fraction](Z|+HH:MM) as
   milliseconds since 1970 in UTC, what is finer cut off. Readers return the place after the text, or NULL to decline. */

static int number_at(const uint8_t *at, int digits) /* -1 where there is another character */
{
    int value = 0;
    for (; digits; digits--, at++) {
        if (*at < '0' || *at > '9') return -1;
        value = value * 10 + (*at - '0');
    }
    return value;
}

static bool within(int value, int most)
{
    return value >= 0 && value <= most;
}

/* Of the ten characters here. */
static bool days_at(const uint8_t *at, int64_t *days)
{
    static const int BEFORE[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365}; /* each month, and after all */
    static const int DAYS_TO_1970 = 719163;
    int year = number_at(at, 4), month = number_at(at + 5, 2), day = number_at(at + 8, 2);
    if (year < 1 || !within(month - 1, 11) || at[4] != '-' || at[7] != '-') return false;
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (!within(day - 1, BEFORE[month] - BEFORE[month - 1] - (month == 2 && is_leap ? 0 : 1))) return false;
    int past = year - 1;
    *days = past * 365 + past / 4 - past / 100 + past / 400 + BEFORE[month - 1] + (month > 2 && is_leap) + day;
    *days -= DAYS_TO_1970;
    return true;
}

static const uint8_t *read_date(const uint8_t *at, const uint8_t *end, double *value)
{
    int64_t days;
    if (end - at < 12 || at[0] != '"' || at[11] != '"' || !days_at(at + 1, &days)) return NULL;
    *value = (double)days;
    return at + 12;
}

static const uint8_t *read_fraction(const uint8_t *at, const uint8_t *end, int64_t *milliseconds)
{
    if (at == end || *at != '.') return at;
    const uint8_t *start = ++at;
    for (int weight = 100; at < end && *at >= '0' && *at <= '9' && at - start < 10; at++, weight /= 10)
        *milliseconds += (*at - '0') * weight;
    return at == start || at - start > 9 ? NULL : at;
}

static const uint8_t *read_zone(const uint8_t *at, const uint8_t *end, int64_t *milliseconds)
{
    if (at < end && *at == 'Z') return at + 1;
    if (end - at < 6 || (*at != '+' && *at != '-') || at[3] != ':') return NULL;
    int hours = number_at(at + 1, 2), minutes = number_at(at + 4, 2);
    if (!within(hours, 23) || !within(minutes, 59)) return NULL;
    int64_t offset = (int64_t)(hours * 60 + minutes) * 60000;
    *milliseconds += *at == '-' ? offset : -offset;
    return at + 6;
}

static const uint8_t *read_time(const uint8_t *at, const uint8_t *end, double *value)
{
    static const ptrdiff_t SHORTEST = 22; /* "2024-05-31T12:30:00Z" */
    int64_t days;
    if (end - at < SHORTEST || at[0] != '"' || !days_at(at + 1, &days) || (at[11] != 'T' && at[11] != ' ')) return NULL;
    int hour = number_at(at + 12, 2), minute = number_at(at + 15, 2), second = number_at(at + 18, 2);
    if (!within(hour, 23) || !within(minute, 59) || !within(second, 59) || at[14] != ':' || at[17] != ':') return NULL;
    int64_t milliseconds = (((days * 24 + hour) * 60 + minute) * 60 + second) * 1000;
    at = read_fraction(at + 20, end, &milliseconds);
    if (at == NULL || (at = read_zone(at, end, &milliseconds)) == NULL || at == end || *at != '"') return NULL;
    *value = (double)milliseconds;
    return at + 1;
}
