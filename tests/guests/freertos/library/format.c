/*
 * Text from numbers and back.
 */
#include "format.h"

#include "string.h"

struct output {
    char *buffer;
    size_t size;
    size_t length;
};

struct field {
    size_t width;
    char padding;
};

static void put(struct output *output, char character)
{
    if (output->length + 1 < output->size) {
        output->buffer[output->length++] = character;
    }
}

static void put_repeated(struct output *output, char character, size_t count)
{
    while (count-- > 0) {
        put(output, character);
    }
}

static void put_text(struct output *output, const char *text, struct field field)
{
    size_t length = strlen(text);

    for (size_t i = 0; i < length; i++) {
        put(output, text[i]);
    }
    if (length < field.width) {
        put_repeated(output, ' ', field.width - length);
    }
}

static void put_number(struct output *output, uint64_t value, unsigned base, bool negative, struct field field)
{
    char digits[21]; /* 20 decimal digits hold any 64-bit value, and a sign */
    size_t count = 0;

    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value != 0);
    if (negative) {
        digits[count++] = '-';
    }
    if (count < field.width) {
        put_repeated(output, field.padding, field.width - count);
    }
    while (count > 0) {
        put(output, digits[--count]);
    }
}

static struct field read_field(const char **pattern)
{
    struct field field = { .width = 0, .padding = **pattern == '0' ? '0' : ' ' };

    for (; **pattern >= '0' && **pattern <= '9'; (*pattern)++) {
        field.width = field.width * 10 + (size_t)(**pattern - '0');
    }
    return field;
}

static void put_signed(struct output *output, int64_t value, struct field field)
{
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;

    put_number(output, magnitude, 10, value < 0, field);
}

size_t format_arguments(char *buffer, size_t size, const char *pattern, va_list arguments)
{
    struct output output = { buffer, size, 0 };

    for (; *pattern != '\0'; pattern++) {
        if (*pattern != '%') {
            put(&output, *pattern);
            continue;
        }
        pattern++;
        struct field field = read_field(&pattern);
        switch (*pattern) {
        case 's': put_text(&output, va_arg(arguments, const char *), field); break;
        case 'c': put(&output, (char)va_arg(arguments, int)); break;
        case 'u': put_number(&output, va_arg(arguments, uint64_t), 10, false, field); break;
        case 'x': put_number(&output, va_arg(arguments, uint64_t), 16, false, field); break;
        case 'd': put_signed(&output, va_arg(arguments, int64_t), field); break;
        default: put(&output, *pattern); break;
        }
    }
    if (size > 0) {
        buffer[output.length] = '\0';
    }
    return output.length;
}

size_t format(char *buffer, size_t size, const char *pattern, ...)
{
    va_list arguments;

    va_start(arguments, pattern);
    size_t length = format_arguments(buffer, size, pattern, arguments);
    va_end(arguments);
    return length;
}

static int digit_value(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return -1;
}

bool parse_number(const char *word, uint64_t *value)
{
    uint64_t base = 10;
    uint64_t result = 0;

    if (word[0] == '0' && (word[1] == 'x' || word[1] == 'X')) {
        base = 16;
        word += 2;
    }
    if (*word == '\0') {
        return false;
    }
    for (; *word != '\0'; word++) {
        int digit = digit_value(*word);
        if (digit < 0 || (uint64_t)digit >= base || result > (UINT64_MAX - (uint64_t)digit) / base) {
            return false;
        }
        result = result * base + (uint64_t)digit;
    }
    *value = result;
    return true;
}
