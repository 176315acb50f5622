/*
 * content.c - one pass over the text of a file, stopping at '<', '(', '$', '=' and counting long strings on the way.
 */
#include "review/content.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/text.h"

#define TAG_LENGTH       2048 /* a tag is looked at no further */
#define ARGUMENTS_LENGTH 240  /* of a call */
#define LONG_STRING      1000 /* characters of base64 without a break */
#define CHR_CHAIN        12   /* chr(1).chr(2)... */

struct scan {
        const char *text, *end;
        enum content_language language;
        struct content *content;
        size_t run;              /* base64 characters up to here */
        bool long_string;        /* there was a long one */
        bool runs_text;          /* eval() or the like is called at all */
        bool makes_script;       /* createElement("script") */
        const char *last_chr;    /* where the last chr( stood */
        unsigned int chain;      /* how many stand close behind each other */
        unsigned int mangled;    /* _0x1a2b identifiers */
        struct content assigned; /* hosts that something.src is set to; only its hosts are used */
};

static const char *const php_runners[] = { "eval", "assert", "create_function" };
static const char *const php_commands[] = { "eval",     "assert",     "create_function", "system",    "exec",
                                            "passthru", "shell_exec", "popen",           "proc_open", "pcntl_exec" };
static const char *const php_decoders[] = { "base64_decode", "gzinflate",    "gzuncompress",
                                            "gzdecode",      "str_rot13",    "strrev",
                                            "hex2bin",       "rawurldecode", "convert_uudecode" };
static const char *const php_inputs[] = {
        "$_get", "$_post", "$_request", "$_cookie", "php://input", "$_server['http_"
};
static const char *const js_runners[] = { "eval", "write", "writeln", "settimeout" };
static const char *const js_decoders[] = { "unescape(", "atob(", "fromcharcode(" };

static bool is_name(char c)
{
        return isalnum((unsigned char)c) || c == '_';
}

static bool starts(const char *at, const char *end, const char *word)
{
        size_t length = strlen(word);

        return (size_t)(end - at) >= length && strncasecmp(at, word, length) == 0;
}

static const char *find(const char *at, const char *end, const char *word)
{
        for (; at < end; at++)
                if (tolower((unsigned char)*at) == word[0] && starts(at, end, word))
                        return at;
        return NULL;
}

static const char *find_any(const char *at, const char *end, const char *const *words, size_t count)
{
        for (size_t i = 0; i < count; i++)
                if (find(at, end, words[i]))
                        return words[i];
        return NULL;
}

/* The word before `at` is one of these. */
static bool called(const struct scan *scan, const char *at, const char *const *words, size_t count)
{
        const char *end = at, *begin;

        while (end > scan->text && (end[-1] == ' ' || end[-1] == '\t'))
                end--;
        begin = end;
        while (begin > scan->text && is_name(begin[-1]))
                begin--;
        for (size_t i = 0; i < count; i++)
                if (strlen(words[i]) == (size_t)(end - begin) && strncasecmp(begin, words[i], strlen(words[i])) == 0)
                        return true;
        return false;
}

static void obfuscated(struct scan *scan, const char *words, bool planted)
{
        if (!scan->content->obfuscated || (planted && !scan->content->planted)) {
                scan->content->obfuscated = words;
                scan->content->planted = planted;
        }
}

/* ---------------------------------------------------------------- hosts */

/* The host of a URL that leads to another server, in lower case; false when it is relative, or made by a program. */
static bool outside_host(const char *at, const char *end, char host[static CONTENT_HOST_SIZE])
{
        char url[CONTENT_HOST_SIZE + 16];
        size_t n = 0, from = 0, length = 0;

        while (at < end && (isspace((unsigned char)*at) || *at == '"' || *at == '\'' || *at == '\\'))
                at++;
        for (; at < end && n < sizeof(url) - 1 && !strchr("\"'<> \t\r\n", *at); at++)
                if (*at != '\\') /* "https:\/\/" in JSON */
                        url[n++] = (char)tolower((unsigned char)*at);
        url[n] = '\0';
        if (text_starts(url, "http://"))
                from = 7;
        else if (text_starts(url, "https://"))
                from = 8;
        else if (text_starts(url, "//"))
                from = 2;
        else
                return false;
        length = strcspn(url + from, "/?#:");
        if (memchr(url + from, '@', length))
                from += (size_t)(strrchr(url + from, '@') - (url + from)) + 1;
        length = strcspn(url + from, "/?#:");
        if (length == 0 || length >= CONTENT_HOST_SIZE ||
            strspn(url + from, "abcdefghijklmnopqrstuvwxyz0123456789-._") < length)
                return false;
        if (!memchr(url + from, '.', length))
                return false;
        memcpy(host, url + from, length);
        host[length] = '\0';
        return true;
}

static void add_host(struct content *content, const char *host, bool frame)
{
        struct content_host *slot = NULL;

        for (size_t i = 0; i < content->host_count && !slot; i++)
                if (text_equal(content->hosts[i].name, host))
                        slot = &content->hosts[i];
        if (!slot && content->host_count == CONTENT_HOSTS_MAXIMUM)
                return;
        if (!slot) {
                slot = &content->hosts[content->host_count++];
                *slot = (struct content_host){ .script = false };
                memcpy(slot->name, host, strlen(host) + 1);
        }
        slot->frame |= frame;
        slot->script |= !frame;
}

/* The value of an attribute inside a tag, from behind its "=". */
static const char *attribute(const char *tag, const char *end, const char *name)
{
        for (const char *at = tag; (at = find(at, end, name)); at++) {
                const char *value = at + strlen(name);

                if (is_name(at[-1]) || at[-1] == '-')
                        continue;
                while (value < end && isspace((unsigned char)*value))
                        value++;
                if (value < end && *value == '=')
                        return value + 1;
        }
        return NULL;
}

static bool is_tiny(const char *tag, const char *end, const char *name)
{
        const char *value = attribute(tag, end, name);

        while (value && value < end && strchr("\"'\\ ", *value))
                value++;
        return value && value < end && (*value == '0' || *value == '1') &&
               (value + 1 == end || !isdigit((unsigned char)value[1]));
}

static bool is_hidden(const char *tag, const char *end)
{
        static const char *const styles[] = {
                "display:none", "display: none", "visibility:hidden", "visibility: hidden", "left:-", "left: -",
                "top:-",        "top: -",        "opacity:0;"
        };

        return find_any(tag, end, styles, LENGTH(styles)) ||
               (is_tiny(tag, end, "width") && is_tiny(tag, end, "height"));
}

static void look_at_frame(struct scan *scan, const char *tag, const char *end, const char *host)
{
        /* Tag Manager tells everybody to paste one of these. */
        if (!host || text_equal(host, "www.googletagmanager.com") || !is_hidden(tag, end))
                return;
        scan->content->hidden_frame = _("a hidden frame shows another server's page");
        memcpy(scan->content->frame_host, host, strlen(host) + 1);
}

static void look_at_tag(struct scan *scan, const char *at)
{
        static const struct {
                const char *tag, *attribute;
                bool frame;
        } tags[] = {
                {"<script",  "src",     false},
                { "<iframe", "src",     true },
                { "<frame",  "src",     true },
                { "<embed",  "src",     true },
                { "<object", "data",    true },
                { "<base",   "href",    false},
                { "<meta",   "content", true },
                { "<scr\"",  "src",     false},
                { "<scr'",   "src",     false},
        };
        const char *limit = scan->end - at > TAG_LENGTH ? at + TAG_LENGTH : scan->end;
        const char *end = memchr(at, '>', (size_t)(limit - at));
        char host[CONTENT_HOST_SIZE];

        if (!end)
                end = limit;
        for (size_t i = 0; i < LENGTH(tags); i++) {
                const char *value;
                bool outside;

                if (!starts(at, end, tags[i].tag) ||
                    (at + strlen(tags[i].tag) < end && is_name(at[strlen(tags[i].tag)])))
                        continue;
                value = attribute(at + 1, end, tags[i].attribute);
                if (value && text_equal(tags[i].tag, "<meta"))
                        value = find(value, end, "url=") ? find(value, end, "url=") + 4 : NULL;
                outside = value && outside_host(value, end, host);
                if (outside)
                        add_host(scan->content, host, tags[i].frame);
                if (text_equal(tags[i].tag, "<iframe"))
                        look_at_frame(scan, at, end, outside ? host : NULL);
        }
}

/* something.src = "https://..." counts when the file makes script elements. */
static void look_at_assignment(struct scan *scan, const char *at)
{
        const char *name = at;
        char host[CONTENT_HOST_SIZE];

        while (name > scan->text && name[-1] == ' ')
                name--;
        if (name - scan->text < 4 || strncasecmp(name - 4, ".src", 4) != 0)
                return;
        if (outside_host(at + 1, scan->end - at > CONTENT_HOST_SIZE ? at + CONTENT_HOST_SIZE : scan->end, host))
                add_host(&scan->assigned, host, false);
}

/* ---------------------------------------------------------------- calls */

/* chr(112).chr(104)...: a text that is not meant to be found. */
static void count_chr(struct scan *scan, const char *at)
{
        scan->chain = scan->last_chr && at - scan->last_chr < 24 ? scan->chain + 1 : 1;
        scan->last_chr = at;
        if (scan->chain == CHR_CHAIN)
                obfuscated(scan, _("a text is put together from many chr()"), false);
}

static void look_at_php_call(struct scan *scan, const char *at, const char *arguments, const char *end)
{
        static const char *const chr[] = { "chr" };

        if (called(scan, at, chr, 1))
                count_chr(scan, at);
        if (called(scan, at, php_runners, LENGTH(php_runners))) {
                scan->runs_text = true;
                if (find_any(arguments, end, php_decoders, LENGTH(php_decoders)))
                        obfuscated(scan, _("text that was made unreadable is decoded and run"), true);
        }
        if (called(scan, at, php_commands, LENGTH(php_commands)) &&
            find_any(arguments, end, php_inputs, LENGTH(php_inputs)))
                obfuscated(scan, _("what a visitor sends is run as a program"), true);
}

/* String.fromCharCode with a long list of numbers. */
static bool long_list(const char *at, const char *end)
{
        unsigned int commas = 0;

        for (; at < end && (isdigit((unsigned char)*at) || *at == ',' || *at == ' ' || *at == 'x'); at++)
                commas += *at == ',';
        return commas >= 16;
}

/* Function(...), which makes one from text; not the word function. */
static bool makes_function(const struct scan *scan, const char *at)
{
        return at - scan->text >= 8 && memcmp(at - 8, "Function", 8) == 0 && (at - scan->text == 8 || !is_name(at[-9]));
}

static void look_at_js_call(struct scan *scan, const char *at, const char *arguments, const char *end)
{
        static const char *const from_char_code[] = { "fromcharcode" }, *const create[] = { "createelement" };

        if (called(scan, at, create, 1) && find(arguments, arguments + 12 < end ? arguments + 12 : end, "script"))
                scan->makes_script = true;
        if (called(scan, at, from_char_code, 1) && long_list(arguments, end))
                obfuscated(scan, _("a text is put together from a long list of character codes"), true);
        /* The loader that Google Analytics told everybody to paste for years. */
        if ((!called(scan, at, js_runners, LENGTH(js_runners)) && !makes_function(scan, at)) ||
            find(arguments, end, "google-analytics") || find(arguments, end, "gajshost"))
                return;
        if (starts(arguments, end, "function(p,a,c,k,e"))
                obfuscated(scan, _("the script is packed"), false);
        else if (find_any(arguments, arguments + 40 < end ? arguments + 40 : end, js_decoders, LENGTH(js_decoders)))
                obfuscated(scan, _("text that was made unreadable is decoded and run"), true);
}

static void look_at_call(struct scan *scan, const char *at)
{
        const char *limit = scan->end - at > ARGUMENTS_LENGTH ? at + ARGUMENTS_LENGTH : scan->end;
        const char *end = memchr(at, ';', (size_t)(limit - at));

        if (!end)
                end = limit;
        if (scan->language == CONTENT_CODE)
                look_at_php_call(scan, at, at + 1, end);
        look_at_js_call(scan, at, at + 1, end);
}

/* $_POST['f']($_POST['x']): the visitor names the function, too. */
static void look_at_input(struct scan *scan, const char *at)
{
        const char *limit = scan->end - at > 64 ? at + 64 : scan->end, *close;

        if (scan->language != CONTENT_CODE || !(starts(at, limit, "$_get[") || starts(at, limit, "$_post[") ||
                                                starts(at, limit, "$_request[") || starts(at, limit, "$_cookie[")))
                return;
        close = memchr(at, ']', (size_t)(limit - at));
        while (close && ++close < limit && *close == ' ')
                ;
        if (close && close < limit && *close == '(')
                obfuscated(scan, _("what a visitor sends is run as a program"), true);
}

static void count_string(struct scan *scan, char c)
{
        if (isalnum((unsigned char)c) || c == '+' || c == '/' || c == '=')
                scan->run++;
        else
                scan->run = 0;
        if (scan->run == LONG_STRING)
                scan->long_string = true;
}

void content_scan(const char *text, size_t length, enum content_language language, struct content *ret_content)
{
        struct scan scan = { .text = text, .end = text + length, .language = language, .content = ret_content };

        *ret_content = (struct content){ 0 };
        if (language == CONTENT_NONE)
                return;
        for (const char *at = text; at < scan.end; at++) {
                count_string(&scan, *at);
                switch (*at) {
                case '<': look_at_tag(&scan, at); break;
                case '(': look_at_call(&scan, at); break;
                case '$': look_at_input(&scan, at); break;
                case '=': look_at_assignment(&scan, at); break;
                case '_': scan.mangled += starts(at, scan.end, "_0x") && scan.end - at > 6; break;
                default: break;
                }
        }
        if (scan.long_string && language == CONTENT_CODE)
                obfuscated(&scan,
                           scan.runs_text ? _("it holds a long unreadable text, and runs text")
                                          : _("it holds a long unreadable text"),
                           scan.runs_text);
        if (scan.mangled > 100)
                obfuscated(&scan, _("the names in the script were made unreadable"), true);
        for (size_t i = 0; i < scan.assigned.host_count && scan.makes_script; i++)
                add_host(ret_content, scan.assigned.hosts[i].name, false);
}

/* ---------------------------------------------------------------- names and control files */

enum content_language content_language(const char *name, const char *head, size_t length)
{
        static const struct {
                const char *extension;
                enum content_language language;
        } table[] = {
                {"php",       CONTENT_CODE    },
                { "phtml",    CONTENT_CODE    },
                { "inc",      CONTENT_CODE    },
                { "phar",     CONTENT_CODE    },
                { "php3",     CONTENT_CODE    },
                { "php4",     CONTENT_CODE    },
                { "php5",     CONTENT_CODE    },
                { "php7",     CONTENT_CODE    },
                { "php8",     CONTENT_CODE    },
                { "module",   CONTENT_CODE    },
                { "install",  CONTENT_CODE    },
                { "asp",      CONTENT_CODE    },
                { "aspx",     CONTENT_CODE    },
                { "jsp",      CONTENT_CODE    },
                { "cgi",      CONTENT_CODE    },
                { "pl",       CONTENT_CODE    },
                { "py",       CONTENT_CODE    },
                { "rb",       CONTENT_CODE    },
                { "js",       CONTENT_SCRIPT  },
                { "mjs",      CONTENT_SCRIPT  },
                { "cjs",      CONTENT_SCRIPT  },
                { "html",     CONTENT_PAGE    },
                { "htm",      CONTENT_PAGE    },
                { "xhtml",    CONTENT_PAGE    },
                { "svg",      CONTENT_PAGE    },
                { "shtml",    CONTENT_PAGE    },
                { "xht",      CONTENT_PAGE    },
                { "tpl",      CONTENT_TEMPLATE},
                { "twig",     CONTENT_TEMPLATE},
                { "mustache", CONTENT_TEMPLATE},
                { "hbs",      CONTENT_TEMPLATE},
                { "erb",      CONTENT_TEMPLATE},
                { "tmpl",     CONTENT_TEMPLATE},
                { "vue",      CONTENT_TEMPLATE},
                { "ejs",      CONTENT_TEMPLATE},
                { "latte",    CONTENT_TEMPLATE},
        };
        const char *dot = strrchr(name, '.');

        for (size_t i = 0; dot && i < LENGTH(table); i++)
                if (strcasecmp(dot + 1, table[i].extension) == 0)
                        return table[i].language;
        if (length > 0 && find(head, head + length, "<?php"))
                return CONTENT_CODE;
        if (length > 0 && (find(head, head + length, "<html") || find(head, head + length, "<script")))
                return CONTENT_PAGE;
        return CONTENT_NONE;
}

const char *content_control(const char *text, size_t length)
{
        static const struct {
                const char *word, *also, *what;
        } rules[] = {
                {"auto_prepend_file",  "",           N_("it puts a file in front of every program")},
                { "auto_append_file",  "",           N_("it puts a file behind every program")     },
                { "addhandler",        "",           N_("it has files run that would not be")      },
                { "sethandler",        "",           N_("it has files run that would not be")      },
                { "addtype",           "php",        N_("it has files run that would not be")      },
                { "forcetype",         "php",        N_("it has files run that would not be")      },
                { "allow_url_include", "",           N_("it has programs from other servers run")  },
                { "rewriterule",       "http",       N_("it sends visitors elsewhere")             },
                { "redirect",          "http",       N_("it sends visitors elsewhere")             },
                { "errordocument",     "http",       N_("it sends visitors elsewhere")             },
                { "sub_filter",        "",           N_("it changes pages on their way out")       },
                { "addoutputfilter",   "substitute", N_("it changes pages on their way out")       },
        };
        const char *cursor = text, *line;
        size_t line_length;

        while (text_next_line(&cursor, text + length, &line, &line_length)) {
                const char *end = line + line_length;

                while (line < end && isspace((unsigned char)*line))
                        line++;
                /* A comment; and the usual step to https of the same host. */
                if (line == end || *line == '#' || *line == ';' || find(line, end, "%{http_host}") ||
                    find(line, end, "%{server_name}"))
                        continue;
                for (size_t i = 0; i < LENGTH(rules); i++)
                        if (find(line, end, rules[i].word) && (!rules[i].also[0] || find(line, end, rules[i].also)))
                                return _(rules[i].what);
        }
        return NULL;
}
