/* late.c - dlopen(3), dlsym(3), and what to say when a library is not there. */
#include "late.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>

#include "base/i18n.h"

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* The last one is set last: whoever finds it set finds all of them set. */
static bool is_loaded(const struct late_library *library)
{
        return *(void **)library->symbols[library->symbol_count - 1].where;
}

static int load(const struct late_library *library, struct error *err)
{
        void *handle = dlopen(library->file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

        if (!handle)
                return error_set(err, -ENOENT, _("the library %s cannot be loaded (%s); install the package %s"),
                                 library->file, dlerror(), library->package);
        for (size_t i = 0; i < library->symbol_count; i++) {
                const struct late_symbol *symbol = &library->symbols[i];
                void *function = dlsym(handle, symbol->name);

                if (!function)
                        return error_set(err, -ENOTSUP,
                                         _("the library %s has no %s; install a newer version of the package %s"),
                                         library->file, symbol->name, library->package);
                *(void **)symbol->where = function;
        }
        return 0;
}

int late_load(const struct late_library *library, struct error *err)
{
        int r = 0;

        pthread_mutex_lock(&lock);
        if (library->symbol_count > 0 && !is_loaded(library)) /* none: it is linked */
                r = load(library, err);
        pthread_mutex_unlock(&lock);
        return r;
}
