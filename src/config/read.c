/*
 * read.c - libconfuse reads, the table decides.
 *
 * Every key is a string to the library: numbers it would take in octal, and words in any case. Its validate callback is
 * where a value is parsed into the structure and what is wrong is noted; it always says that all is well, so that one
 * run finds every mistake but those of the syntax, at which the library stops. The callbacks get no context, and the
 * lexer is global: hence the one static pointer.
 */
#include "config.h"

#include <assert.h>
#include <confuse.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "base/i18n.h"
#include "base/io.h"
#include "base/memory.h"
#include "base/text.h"
#include "config/reading.h"
#include "config/scan.h"
#include "config/schema.h"
#include "config/value.h"

#define SECTIONS_MAXIMUM 24
#define PROBLEMS_SHOWN   100

/* What the callbacks work on. */
static struct walk {
        struct reading *reading;
        const cfg_t *root;
        const cfg_t *open;                    /* the section that is being read; NULL: none */
        const struct config_section *section; /* its description */
        char *base;                           /* its struct; NULL: there is no room for it, its values are only skipped */
        bool seen[SECTIONS_MAXIMUM];
        struct {
                const cfg_t *cfg; /* NULL: it has not begun, or ended */
                char *base;
        } begun[SECTIONS_MAXIMUM]; /* one with others inside is gone on with behind them */
} *walk;

/* ---- places ---- */

static struct reading_place *find_place(struct reading *reading, const void *slot)
{
        for (size_t i = 0; i < reading->place_count; i++)
                if (reading->places[i].slot == slot)
                        return &reading->places[i];
        return NULL;
}

unsigned int reading_line(const struct reading *reading, const void *slot)
{
        for (size_t i = 0; i < reading->place_count; i++)
                if (reading->places[i].slot == slot)
                        return reading->places[i].line;
        return 0;
}

static struct reading_place *add_place(struct reading *reading, const void *slot, unsigned int line)
{
        assert(reading->place_count < READING_PLACES_MAXIMUM);
        reading->places[reading->place_count] = (struct reading_place){ .slot = slot, .line = line };
        return &reading->places[reading->place_count++];
}

/* ---- values ---- */

static void store(const struct config_key *key, char *base, const char *text, unsigned int line)
{
        struct reading *reading = walk->reading;
        char *slot = base + key->offset;
        struct error error = ERROR_NONE;
        size_t count = 0;
        int r;

        if (key->count_offset) {
                memcpy(&count, base + key->count_offset, sizeof(count));
                if (count == key->items_maximum) {
                        config_problem(reading->problems, line, _("%s: it has more than %zu values"), key->name, count);
                        return;
                }
                slot += count * config_value_size(key->kind);
        }
        r = config_value_parse(key, text, slot, &error);
        if (r == -ENOMEM)
                reading->no_memory = true;
        else if (r < 0)
                config_problem(reading->problems, line, "%s = \"%.200s\": %s%s%s", key->name, text, error.text,
                               key->example ? "; " : "", key->example ? key->example : "");
        if (r < 0 || !key->count_offset)
                return;
        count++;
        memcpy(base + key->count_offset, &count, sizeof(count));
}

/*
 * Called for every value; for a list in braces once more at its end, with nothing new: then neither the number of
 * values nor the last one differ. (A list that is said twice and is the same counts as said once.)
 */
static void take_value(const struct config_key *key, cfg_opt_t *opt, unsigned int line)
{
        struct reading *reading = walk->reading;
        unsigned int size = cfg_opt_size(opt);
        const char *text = size ? cfg_opt_getnstr(opt, size - 1) : NULL;
        struct reading_place *place;

        if (!walk->base || !text)
                return;
        if (key->gone) {
                config_problem(reading->problems, line, _("%s is no key any more, because %s; leave it out"), key->name,
                               _(key->gone));
                return;
        }
        place = find_place(reading, walk->base + key->offset);
        if (place && (!key->count_offset || size < place->values)) {
                config_problem(reading->problems, line, _("%s is said a second time, first in line %u; leave one out"),
                               key->name, place->line);
                return;
        }
        if (place && size == place->values)
                return;
        if (!place)
                place = add_place(reading, walk->base + key->offset, line);
        place->values = size;
        store(key, walk->base, text, line);
}

/* What was not said: an error, or as if its fallback (of a list with spaces between) stood there. */
static void finish_section(const struct config_section *section, char *base, bool must, unsigned int line)
{
        for (size_t i = 0; i < section->key_count; i++) {
                const struct config_key *key = &section->keys[i];
                char word[64];

                if (key->gone || find_place(walk->reading, base + key->offset))
                        continue;
                if (key->required && must)
                        config_problem(walk->reading->problems, line,
                                       *section->name ? _("the section %s has no %s; understudy.conf(5) tells what it is")
                                                      : _("%sthe file has no %s; understudy.conf(5) tells what it is"),
                                       section->name, key->name);
                for (const char *rest = key->fallback; rest && *rest; rest += strspn(rest, " ")) {
                        size_t length = strcspn(rest, " ");

                        snprintf(word, sizeof(word), "%.*s", (int)length, rest);
                        store(key, base, word, line);
                        rest += length;
                }
        }
}

/* ---- sections ---- */

static void begin_titled(const struct config_section *section, const cfg_t *cfg, unsigned int line)
{
        static const struct config_key name_key = { .name = "name", .kind = VALUE_NAME };
        struct config *config = walk->reading->config;
        size_t *count = (size_t *)((char *)config + section->count_offset);
        const char *title = cfg_title((cfg_t *)(uintptr_t)cfg);

        if (*count == section->items_maximum) {
                config_problem(walk->reading->problems, line, _("there are more than %zu sections %s"),
                               section->items_maximum, section->name);
                walk->base = NULL;
                return;
        }
        if (text_equal(section->name, "server"))
                walk->reading->server_lines[*count] = line;
        else if (text_equal(section->name, "check"))
                walk->reading->check_lines[*count] = line;
        walk->base = (char *)config + section->offset + *count * section->size;
        ++*count;
        store(&name_key, walk->base, title ? title : "", line);
}

static void begin_plain(const struct config_section *section, size_t index, unsigned int line)
{
        walk->base = (char *)walk->reading->config + section->offset;
        if (walk->seen[index]) {
                config_problem(walk->reading->problems, line, _("the section %s is there a second time; make it one"),
                               section->name);
                walk->base = NULL;
        }
        walk->seen[index] = true;
        if (walk->base && section->present_offset != SIZE_MAX)
                *(bool *)(walk->base + section->present_offset) = true;
}

/* Begins it, or goes on with it behind a section inside of it. */
static void begin_section(const cfg_t *cfg, unsigned int line)
{
        const struct config_section *section = config_section_find(cfg_name((cfg_t *)(uintptr_t)cfg));
        size_t index = (size_t)(section - config_sections);

        assert(section && index < SECTIONS_MAXIMUM);
        walk->open = cfg;
        walk->section = section;
        if (walk->begun[index].cfg == cfg) {
                walk->base = walk->begun[index].base;
                return;
        }
        if (section->count_offset)
                begin_titled(section, cfg, line);
        else
                begin_plain(section, index, line);
        walk->begun[index].cfg = cfg;
        walk->begun[index].base = walk->base;
}

/* The root's line stands still at the { meanwhile; of a section in another one that of its first value must do. */
static unsigned int begin_line(const cfg_t *cfg, unsigned int line)
{
        const struct config_section *section = config_section_find(cfg_name((cfg_t *)(uintptr_t)cfg));

        return section && section->inside ? line : (unsigned int)walk->root->line;
}

static int on_value(cfg_t *cfg, cfg_opt_t *opt)
{
        unsigned int line = (unsigned int)cfg->line;
        const struct config_section *section = &config_sections[0];
        const struct config_key *key;

        if (cfg == walk->root)
                walk->base = (char *)walk->reading->config;
        else if (cfg != walk->open)
                begin_section(cfg, begin_line(cfg, line));
        if (cfg != walk->root)
                section = walk->section;
        key = config_key_find(section, cfg_opt_name(opt));
        if (key)
                take_value(key, opt, line);
        else /* "section|key" is a path to the library */
                config_problem(walk->reading->problems, line, _("%s belongs into its section"), cfg_opt_name(opt));
        return 0;
}

static int on_section_end(cfg_t *cfg, cfg_opt_t *opt)
{
        const cfg_t *section = cfg_opt_getnsec(opt, cfg_opt_size(opt) - 1);

        if (section != walk->open)
                begin_section(section, (unsigned int)cfg->line);
        if (walk->base)
                finish_section(walk->section, walk->base, true, (unsigned int)cfg->line);
        walk->begun[walk->section - config_sections].cfg = NULL;
        walk->open = NULL;
        return 0;
}

/* ---- mistakes of the syntax ---- */

static bool stands_in(const struct config_section *inner, const struct config_section *outer)
{
        return *inner->name && text_equal(inner->inside ? inner->inside : "", outer->name);
}

static void list_keys(const char *section_name, char *list, size_t size)
{
        const struct config_section *section = config_section_find(section_name);
        size_t used = 0;

        if (!section)
                section = &config_sections[0];
        for (size_t i = 0; i < section->key_count && used < size; i++)
                used += section->keys[i].gone ? 0 : (size_t)snprintf(list + used, size - used, "%s%s", used ? ", " : "", section->keys[i].name);
        for (size_t i = 1; i < config_section_count && used < size; i++)
                if (stands_in(&config_sections[i], section))
                        used += (size_t)snprintf(list + used, size - used, "%s%s", used ? ", " : "",
                                                 config_sections[i].name);
}

static void on_error(cfg_t *cfg, const char *format, va_list arguments)
{
        char words[400], list[500] = "";

        vsnprintf(words, sizeof(words), format, arguments);
        if (text_starts(format, "no such option")) {
                list_keys(cfg == walk->root ? "" : cfg_name(cfg), list, sizeof(list));
                config_problem(walk->reading->problems, (unsigned int)cfg->line, _("%s; there is: %s"), words, list);
                return;
        }
        config_problem(walk->reading->problems, (unsigned int)cfg->line,
                       _("%s; write KEY = VALUE, KEY = {VALUE, VALUE} or SECTION { ... } (what follows was not read)"),
                       words);
}

/* ---- the library ---- */

struct options {
        cfg_opt_t *of[SECTIONS_MAXIMUM]; /* of each section; [0] are the file's own, with the sections among them */
};

static void options_done(struct options *options)
{
        for (size_t i = 0; i < LENGTH(options->of); i++)
                free(options->of[i]);
}

/* `more`: room for further ones behind the keys, and for the end. */
static cfg_opt_t *make_options(const struct config_section *section, size_t more)
{
        const cfg_opt_t end = CFG_END();
        cfg_opt_t *options = memory_new(section->key_count + more + 1, sizeof(*options));

        for (size_t i = 0; options && i < section->key_count; i++) {
                const char *name = section->keys[i].name;
                const cfg_opt_t one = CFG_STR(name, NULL, CFGF_NODEFAULT);
                const cfg_opt_t list = CFG_STR_LIST(name, NULL, CFGF_NODEFAULT);

                options[i] = section->keys[i].count_offset ? list : one;
                options[i].validcb = on_value;
        }
        for (size_t i = 0; options && i < more + 1; i++)
                options[section->key_count + i] = end;
        return options;
}

/* Puts the sections into the options of what they stand in. */
static void nest_options(const struct options *options, size_t outer)
{
        cfg_opt_t *next = options->of[outer] + config_sections[outer].key_count;

        for (size_t i = 1; i < config_section_count; i++) {
                const struct config_section *section = &config_sections[i];
                cfg_flag_t flags = section->count_offset ? CFGF_MULTI | CFGF_TITLE | CFGF_NO_TITLE_DUPES : CFGF_NONE;
                const char *name = section->name;

                if (!stands_in(section, &config_sections[outer]))
                        continue;
                *next = (cfg_opt_t)CFG_SEC(name, options->of[i], flags);
                next->validcb = on_section_end;
                next++;
        }
}

static bool make_all_options(struct options *options)
{
        assert(config_section_count <= SECTIONS_MAXIMUM);
        for (size_t i = 0; i < config_section_count; i++) {
                size_t inner = 0;

                for (size_t k = 1; k < config_section_count; k++)
                        inner += stands_in(&config_sections[k], &config_sections[i]);
                options->of[i] = make_options(&config_sections[i], inner);
                if (!options->of[i])
                        return false;
        }
        for (size_t i = 0; i < config_section_count; i++)
                nest_options(options, i);
        return true;
}

/* What stands in no section, and the sections that are not there. */
static void finish_file(void)
{
        for (size_t i = 1; i < config_section_count; i++)
                if (!config_sections[i].count_offset && !walk->seen[i])
                        finish_section(&config_sections[i], (char *)walk->reading->config + config_sections[i].offset,
                                       false, 0);
        finish_section(&config_sections[0], (char *)walk->reading->config, true, 0);
}

static void ended_without_a_word(const cfg_t *cfg, struct reading *reading, int error)
{
        if (error == ENOMEM)
                reading->no_memory = true;
        else
                config_problem(reading->problems, (unsigned int)cfg->line,
                               _("here, or in the section that begins here, an empty text (\"\") stands where a name "
                                 "is expected; write KEY = VALUE"));
}

static int let_library_read(struct reading *reading, const char *text, struct error *err)
{
        _cleanup_(options_done) struct options options = { { NULL } };
        struct walk here = { .reading = reading };
        cfg_t *cfg = make_all_options(&options) ? cfg_init(options.of[0], CFGF_NONE) : NULL;
        int r;

        if (!cfg)
                return error_memory(err);
        here.root = cfg;
        walk = &here;
        cfg_set_error_function(cfg, on_error);
        errno = 0;
        r = cfg_parse_buf(cfg, text);
        if (r != CFG_SUCCESS && reading->problems->count == 0)
                ended_without_a_word(cfg, reading, errno);
        if (r == CFG_SUCCESS) {
                finish_file();
                config_check_rules(reading);
        }
        walk = NULL;
        cfg_free(cfg);
        return reading->no_memory ? error_memory(err) : 0;
}

/* ---- the whole ---- */

static int found(const struct config_problems *problems, struct error *err)
{
        return error_usage(err, i18n_plural("%s cannot be used: there is %u thing wrong in it",
                                         "%s cannot be used: there are %u things wrong in it", problems->count),
                           problems->name, problems->count);
}

int config_parse(const char *text, size_t length, const char *name, struct buffer *problem_lines,
                 struct config **ret_config, struct error *err)
{
        struct config_problems problems = { .name = name, .lines = problem_lines, .maximum = PROBLEMS_SHOWN };
        _cleanup_(memory_freep) char *copy = memory_copy(text, length);
        _cleanup_(memory_freep) struct reading *reading = memory_new(1, sizeof(*reading));
        _cleanup_(config_freep) struct config *config = memory_new(1, sizeof(*config));
        int r;

        if (!copy || !reading || !config)
                return error_memory(err);
        if (length > CONFIG_FILE_MAXIMUM)
                return error_usage(err, _("%s is longer than %u bytes; that is no configuration"), name,
                                   CONFIG_FILE_MAXIMUM);
        reading->config = config;
        reading->problems = &problems;
        if (config_scan(copy, length, &problems) == 0) {
                r = let_library_read(reading, length ? copy : "\n", err);
                if (r < 0)
                        return r;
        }
        if (problems.count)
                return found(&problems, err);
        *ret_config = config;
        config = NULL;
        return 0;
}

int config_read(const char *path, struct buffer *problems, struct config **ret_config, struct error *err)
{
        _cleanup_(buffer_done) struct buffer text = BUFFER_INIT(CONFIG_FILE_MAXIMUM);
        int r = file_read(AT_FDCWD, path, &text, err);

        if (r == 0)
                return config_parse(buffer_text(&text), text.length, path, problems, ret_config, err);
        if (r == -ENOENT)
                return error_usage(err, _("there is no configuration %s; 'understudy init' writes one"), path);
        if (r == -E2BIG)
                return error_usage(err, _("%s is longer than %u bytes; that is no configuration"), path,
                                   CONFIG_FILE_MAXIMUM);
        return r;
}
