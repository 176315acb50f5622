#include "problems.h"

#include <stdarg.h>
#include <stdio.h>

void config_problem(struct config_problems *problems, unsigned int line, const char *format, ...)
{
        struct error error = ERROR_NONE;
        char words[ERROR_TEXT_SIZE];
        va_list arguments;
        int r;

        problems->count++;
        problems->line = line;
        if (problems->count > problems->maximum)
                return;
        va_start(arguments, format);
        vsnprintf(words, sizeof(words), format, arguments);
        va_end(arguments);
        error_usage(&error, "%s", words); /* for what it does with control characters */
        if (line)
                r = buffer_printf(problems->lines, "%s:%u: %s\n", problems->name, line, error.text);
        else
                r = buffer_printf(problems->lines, "%s: %s\n", problems->name, error.text);
        if (r < 0)
                problems->maximum = problems->count - 1; /* full: counted from here on */
}
