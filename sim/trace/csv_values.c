/* csv_values.c - values of CSV cells, slowly and exactly. A position moves over the cell; each take_ function moves it past what it has read.
 * Read csv_date and csv_decimal first. */
#include "trace/csv_values.h"

#include <string.h>
#include <strings.h>

#include "trace/trace_rows.h"

struct text {
    const char *at, *end;
};

static bool take_char(struct text *text, char wanted)
{
    const bool found = text->at < text->end && *text->at == wanted;
    text->at += found;
    return found;
}

static bool is_digit(const struct text *text)
{
    return text->at < text->end && (unsigned)(*text->at - '0') < 10;
}

/* Exactly so many digits. */
static bool take_digits(struct text *text, unsigned digits, int *out)
{
    for (*out = 0; digits > 0 && is_digit(text); digits--)
        *out = *out * 10 + (*text->at++ - '0');
    return digits == 0;
}

/* --- dates ----------------------------------------------------------------------------------------------------------------------- */

/* Up to nine digits; no point, no fraction. */
static bool take_fraction(struct text *text, int64_t *ns)
{
    int64_t scale = 1000000000;
    *ns = 0;
    if (!take_char(text, '.'))
        return true;
    for (; is_digit(text) && scale > 1; text->at++) {
        scale /= 10;
        *ns += (*text->at - '0') * scale;
    }
    return scale < 1000000000;
}

/* Z, +hh:mm, -hhmm, +hh, or nothing, which is UTC. */
static bool take_zone(struct text *text, int64_t *seconds)
{
    int hours = 0, minutes = 0, sign = 1;
    *seconds = 0;
    if (text->at == text->end || take_char(text, 'Z') || take_char(text, 'z'))
        return true;
    if (take_char(text, '-'))
        sign = -1;
    else if (!take_char(text, '+'))
        return false;
    if (!take_digits(text, 2, &hours))
        return false;
    if ((take_char(text, ':') || text->at < text->end) && !take_digits(text, 2, &minutes))
        return false;
    *seconds = (int64_t)sign * (hours * 60 + minutes) * 60;
    return hours <= 18 && minutes < 60;
}

/* Days since 1970; year from 1970 on. false: there is no such day. */
static bool days_since_1970(int year, int month, int day, int64_t *days)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month < 1 || month > 12 || day < 1 || day > before[month] - before[month - 1] + (month == 2 && leap))
        return false;
    const int past = year - 1, leap_days = (past / 4 - past / 100 + past / 400) - (1969 / 4 - 1969 / 100 + 1969 / 400);
    *days = (int64_t)(year - 1970) * 365 + leap_days + before[month - 1] + (month > 2 && leap) + day - 1;
    return true;
}

static bool take_day(struct text *text, int64_t *days)
{
    int year, month, day;
    if (!take_digits(text, 4, &year) || !take_char(text, '-') || !take_digits(text, 2, &month) || !take_char(text, '-') ||
        !take_digits(text, 2, &day))
        return false;
    return year >= 1970 && year <= 2200 && days_since_1970(year, month, day, days);
}

/* A second of 60 is a leap second. */
bool csv_date(const char *from, size_t length, int64_t *ns, size_t *zone_length)
{
    struct text text = {from, from + length};
    int hour, minute, second;
    int64_t days, fraction, zone;
    if (!take_day(&text, &days) || !(take_char(&text, ' ') || take_char(&text, 'T')) || !take_digits(&text, 2, &hour) ||
        !take_char(&text, ':') || !take_digits(&text, 2, &minute) || !take_char(&text, ':') || !take_digits(&text, 2, &second) ||
        !take_fraction(&text, &fraction) || hour > 23 || minute > 59 || second > 60)
        return false;
    *zone_length = (size_t)(text.end - text.at);
    take_char(&text, ' ');
    if (!take_zone(&text, &zone) || text.at != text.end)
        return false;
    const int64_t seconds = ((days * 24 + hour) * 60 + minute) * 60 + second - zone;
    *ns = seconds * 1000000000 + fraction;
    return seconds >= 0;
}

/* --- numbers --------------------------------------------------------------------------------------------------------------------- */

/* digits * 10^exponent, plus something smaller than the last digit if `more`. */
struct decimal {
    uint64_t digits;
    int exponent;
    bool more;
};

/* At least 19 digits fit 64 bits; of further ones only matters whether any is not 0, and how many stand before the point. */
static unsigned take_run(struct text *text, struct decimal *out, bool fraction)
{
    unsigned found = 0;
    for (; is_digit(text); text->at++, found++) {
        const bool fits = out->digits <= (UINT64_MAX - 9) / 10;
        if (fits)
            out->digits = out->digits * 10 + (uint64_t)(*text->at - '0');
        else
            out->more |= *text->at != '0';
        out->exponent += fraction ? (fits ? -1 : 0) : !fits;
    }
    return found;
}

static bool take_decimal(struct text *text, struct decimal *out)
{
    *out = (struct decimal){0};
    if (take_run(text, out, false) == 0 || (take_char(text, '.') && take_run(text, out, true) == 0))
        return false;
    if (take_char(text, 'e') || take_char(text, 'E')) {
        const bool negative = take_char(text, '-');
        int power = 0;
        if (!negative)
            take_char(text, '+');
        if (!is_digit(text))
            return false;
        for (; is_digit(text); text->at++)
            power = power < 10000 ? power * 10 + (*text->at - '0') : power;
        out->exponent += negative ? -power : power;
    }
    return text->at == text->end;
}

/* Half to even. *exact: nothing was rounded. */
static bool round_decimal(struct decimal value, uint64_t most, uint64_t *out, bool *exact)
{
    bool more = value.more;
    unsigned last = 0;
    for (; value.exponent < 0 && (value.digits > 0 || last > 0); value.exponent++) {
        more |= last != 0;
        last = (unsigned)(value.digits % 10);
        value.digits /= 10;
    }
    for (; value.exponent > 0 && value.digits > 0 && value.digits <= most; value.exponent--)
        if (__builtin_mul_overflow(value.digits, 10, &value.digits))
            return false;
    *exact = !more && last == 0;
    value.digits += last > 5 || (last == 5 && (more || value.digits % 2 == 1));
    *out = value.digits;
    return value.digits <= most;
}

bool csv_decimal(const char *from, size_t length, uint32_t unit_power, int64_t *ns)
{
    struct text text = {from, from + length};
    struct decimal value;
    uint64_t rounded;
    bool exact;
    if (!take_decimal(&text, &value))
        return false;
    value.exponent += (int)unit_power;
    if (!round_decimal(value, (uint64_t)TRACE_MAX_NS, &rounded, &exact))
        return false;
    *ns = (int64_t)rounded;
    return true;
}

bool csv_count(const char *from, size_t length, int64_t least, int64_t most, int64_t *out)
{
    struct text text = {from, from + length};
    struct decimal value;
    uint64_t whole;
    bool exact, negative = least < 0 && take_char(&text, '-');
    if (!take_decimal(&text, &value) || !round_decimal(value, INT64_MAX, &whole, &exact) || !exact)
        return false;
    *out = negative ? -(int64_t)whole : (int64_t)whole;
    return *out >= least && *out <= most;
}
