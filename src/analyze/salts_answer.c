#include "salts_answer.h"

#include <errno.h>
#include <string.h>

#include "base/i18n.h"
#include "base/memory.h"
#include "base/text.h"

static int no_salt(const char *maker, struct error *err)
{
        return error_set(err, -EBADMSG, _("the agent of %s answers with what is no salt"), maker);
}

int salts_answer_take(const json_t *answer, const char *maker, struct shared_salt *ret_salt, struct error *err)
{
        const json_t *age = json_object_get(answer, "age_s");
        const char *hex = json_string_value(json_object_get(answer, "salt"));
        struct shared_salt salt = { 0 };

        if (json_is_true(json_object_get(answer, "gone")))
                return error_set(err, -ESTALE, _("that day has no salt, and gets none any more"));
        if (!hex || strlen(hex) != 2 * SALT_SIZE || !json_is_integer(age) || json_integer_value(age) < 0 ||
            json_integer_value(age) >= SALT_SECONDS || text_unhex(hex, 2 * SALT_SIZE, salt.bytes, SALT_SIZE) < 0) {
                memory_wipe(&salt, sizeof(salt));
                return no_salt(maker, err);
        }
        salt.age_seconds = json_integer_value(age);
        *ret_salt = salt;
        memory_wipe(&salt, sizeof(salt));
        return 0;
}
