#include "incident/value.h"

#include "base/attributes.h"
#include "base/buffer.h"
#include "base/clock.h"
#include "base/text.h"
#include "incident/interval.h"

#define NAME_MAXIMUM 65536

json_t *value_time(int64_t time_us)
{
        char text[CLOCK_TEXT_SIZE];

        if (!time_us || time_us == TIME_NEVER || time_us == TIME_OPEN)
                return json_null();
        clock_format_utc(time_us / 1000000, text);
        return json_string(text);
}

json_t *value_name(const char *name, size_t length)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(NAME_MAXIMUM);

        if (text_escape(&text, name, length) < 0)
                return NULL;
        return json_stringn(buffer_text(&text), text.length);
}
