/*
 * policy.c - the rules of mutable areas and ignored paths.
 *
 * Written from the intruder's side, who may put any bytes under any name into an upload folder and now wants them run,
 * obeyed, or shown as a page of the site:
 *
 * - Apache's mod_mime looks at every extension, not only the last: where .php has a handler, x.php.jpg is run. Names
 *   are compared without case, since mod_mime does.
 * - `location ~ \.php` without an end, FilesMatch "\.php$" and a name that ends in a newline (CVE-2017-15715), trailing
 *   dots and spaces that some file systems drop, IIS's "x.asp;.jpg", "%00": an extension ends at the first byte that is
 *   not a letter or digit, and what follows changes nothing.
 * - cgi.fix_pathinfo and phar:// run a picture that holds PHP: contents are looked at, whatever the name says.
 * - A type that is unknown to the server is sniffed by the browser (https://mimesniff.spec.whatwg.org, section 7.1).
 *
 * What is deliberately allowed: PDF (shown by the browser's own viewer, outside the site's origin; upload folders are
 * full of them), CSS and JSON (they do nothing until a page of the site names them), archives.
 */
#include "manifest/policy.h"

#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/attributes.h"
#include "base/i18n.h"
#include "base/text.h"

const struct allow_word allow_words[ALLOW_WORD_COUNT] = {
        {"code",     ALLOW_CODE   },
        { "control", ALLOW_CONTROL},
        { "execute", ALLOW_EXECUTE},
        { "html",    ALLOW_HTML   },
        { "links",   ALLOW_LINKS  },
};

/* ---------------------------------------------------------------- names */

enum where {
        ANYWHERE, /* as any extension: x.php.jpg */
        AT_END,   /* as the last one, or before ones that mean nothing: these are also top-level domains or words, as in
                     "logo-example.pl.jpg" and "node.js.pdf" */
};

static const struct extension {
        const char *text;
        enum where where;
        unsigned int kind; /* what allows it; several: each is needed */
} extensions[] = {
  /* PHP is matched by prefix, see extension_kind(). */
        {"phar",    ANYWHERE, ALLOW_CODE             },
        { "inc",    AT_END,   ALLOW_CODE             }, /* run by some old configurations; elsewhere its source is shown */
        { "cgi",    ANYWHERE, ALLOW_CODE             },
        { "fcgi",   ANYWHERE, ALLOW_CODE             },
        { "fpl",    ANYWHERE, ALLOW_CODE             },
        { "pl",     AT_END,   ALLOW_CODE             },
        { "pm",     AT_END,   ALLOW_CODE             },
        { "plx",    ANYWHERE, ALLOW_CODE             },
        { "py",     AT_END,   ALLOW_CODE             },
        { "pyc",    ANYWHERE, ALLOW_CODE             },
        { "pyo",    ANYWHERE, ALLOW_CODE             },
        { "wsgi",   ANYWHERE, ALLOW_CODE             },
        { "rb",     AT_END,   ALLOW_CODE             },
        { "rhtml",  ANYWHERE, ALLOW_CODE | ALLOW_HTML},
        { "erb",    ANYWHERE, ALLOW_CODE             },
        { "ru",     AT_END,   ALLOW_CODE             },
        { "lua",    ANYWHERE, ALLOW_CODE             },
        { "tcl",    ANYWHERE, ALLOW_CODE             },
        { "sh",     AT_END,   ALLOW_CODE             },
        { "bash",   ANYWHERE, ALLOW_CODE             },
        { "ksh",    ANYWHERE, ALLOW_CODE             },
        { "csh",    ANYWHERE, ALLOW_CODE             },
        { "zsh",    ANYWHERE, ALLOW_CODE             },
        { "asp",    ANYWHERE, ALLOW_CODE             },
        { "aspx",   ANYWHERE, ALLOW_CODE             },
        { "asa",    ANYWHERE, ALLOW_CODE             },
        { "asax",   ANYWHERE, ALLOW_CODE             },
        { "ascx",   ANYWHERE, ALLOW_CODE             },
        { "ashx",   ANYWHERE, ALLOW_CODE             },
        { "asmx",   ANYWHERE, ALLOW_CODE             },
        { "axd",    ANYWHERE, ALLOW_CODE             },
        { "cer",    AT_END,   ALLOW_CODE             },
        { "cdx",    AT_END,   ALLOW_CODE             },
        { "cshtml", ANYWHERE, ALLOW_CODE | ALLOW_HTML},
        { "vbhtml", ANYWHERE, ALLOW_CODE | ALLOW_HTML},
        { "jsp",    ANYWHERE, ALLOW_CODE             },
        { "jspx",   ANYWHERE, ALLOW_CODE             },
        { "jspf",   ANYWHERE, ALLOW_CODE             },
        { "jhtml",  ANYWHERE, ALLOW_CODE | ALLOW_HTML},
        { "war",    AT_END,   ALLOW_CODE             },
        { "cfm",    ANYWHERE, ALLOW_CODE             },
        { "cfml",   ANYWHERE, ALLOW_CODE             },
        { "cfc",    ANYWHERE, ALLOW_CODE             },
        { "shtml",  ANYWHERE, ALLOW_CODE | ALLOW_HTML}, /* server-side includes can run programs */
        { "shtm",   ANYWHERE, ALLOW_CODE | ALLOW_HTML},
        { "stm",    AT_END,   ALLOW_CODE | ALLOW_HTML},
        { "ssi",    ANYWHERE, ALLOW_CODE | ALLOW_HTML},

        { "html",   ANYWHERE, ALLOW_HTML             },
        { "htm",    ANYWHERE, ALLOW_HTML             },
        { "xhtml",  ANYWHERE, ALLOW_HTML             },
        { "xht",    ANYWHERE, ALLOW_HTML             },
        { "dhtml",  ANYWHERE, ALLOW_HTML             },
        { "mht",    ANYWHERE, ALLOW_HTML             },
        { "mhtml",  ANYWHERE, ALLOW_HTML             },
        { "hta",    ANYWHERE, ALLOW_HTML             },
        { "htc",    ANYWHERE, ALLOW_HTML             },
        { "svg",    ANYWHERE, ALLOW_HTML             }, /* runs its scripts in the site's origin when opened by itself */
        { "svgz",   ANYWHERE, ALLOW_HTML             },
        { "xml",    AT_END,   ALLOW_HTML             }, /* an XHTML name space inside makes it a page */
        { "xsl",    ANYWHERE, ALLOW_HTML             },
        { "xslt",   ANYWHERE, ALLOW_HTML             },
        { "xbl",    ANYWHERE, ALLOW_HTML             },
        { "rdf",    AT_END,   ALLOW_HTML             },
        { "rss",    AT_END,   ALLOW_HTML             },
        { "atom",   AT_END,   ALLOW_HTML             },
        { "mml",    AT_END,   ALLOW_HTML             },
        { "js",     AT_END,   ALLOW_HTML             }, /* a service worker from here could rewrite every page below */
        { "mjs",    ANYWHERE, ALLOW_HTML             },
        { "cjs",    ANYWHERE, ALLOW_HTML             },
        { "wasm",   ANYWHERE, ALLOW_HTML             },
        { "swf",    ANYWHERE, ALLOW_HTML             },
        { "jnlp",   ANYWHERE, ALLOW_HTML             },
};

/* Extensions that have a type of their own on every server and act by nothing: behind one of these an AT_END extension
 * before it has lost its meaning. Behind any other (x.html.de, x.js.gz, x.pl.bak) it has not. */
static const char *const inert[] = {
        "7z",  "aac",  "avi",  "avif", "bmp", "css",  "csv",  "doc",  "docx", "eot",   "epub", "flac", "gif",  "heic",
        "ico", "jfif", "jpe",  "jpeg", "jpg", "json", "m4a",  "m4v",  "map",  "mkv",   "mov",  "mp3",  "mp4",  "mpeg",
        "mpg", "odp",  "ods",  "odt",  "oga", "ogg",  "ogv",  "opus", "otf",  "pdf",   "png",  "ppt",  "pptx", "rar",
        "rtf", "tif",  "tiff", "ttf",  "txt", "wav",  "webm", "webp", "woff", "woff2", "xls",  "xlsx", "zip",
};

/* Names that steer a server, by their beginning and end (either may be empty). */
static const struct {
        const char *begins, *ends;
} control_names[] = {
        {".ht",              ""    }, /* .htaccess, .htpasswd, .htgroup, .htaccess.bak ... */
        { ".user",           ".ini"}, /* PHP's user_ini.filename */
        { "php",             ".ini"}, /* php.ini is read from the script's folder by php-cgi; php5.ini and the like */
        { ".php",            ".ini"},
        { "web.config",      ""    }, /* IIS */
        { "app.config",      ""    },
        { "web.xml",         ""    }, /* Java servlets, in WEB-INF */
        { "web-inf",         ""    },
        { "meta-inf",        ""    },
        { ".ftpaccess",      ""    }, /* ProFTPD */
        { ".ssh",            ""    }, /* when the area is somebody's home */
        { "authorized_keys", ""    },
        { ".netrc",          ""    },
        { ".lighttpd",       ""    },
};

static bool is_word(unsigned char c)
{
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool equals(const char *text, size_t length, const char *word)
{
        return strlen(word) == length && strncasecmp(text, word, length) == 0;
}

/* PHP has too many spellings to list: php, php3 ... php8, phps, phpt, pht, phtm, phtml. */
static bool is_php(const char *extension, size_t length)
{
        return length >= 3 && (strncasecmp(extension, "php", 3) == 0 || strncasecmp(extension, "pht", 3) == 0);
}

static bool is_inert(const char *extension, size_t length)
{
        for (size_t i = 0; i < LENGTH(inert); i++)
                if (equals(extension, length, inert[i]))
                        return true;
        return false;
}

/* The kinds of one extension; `at_end` when nothing that means anything follows it. */
static unsigned int extension_kind(const char *extension, size_t length, bool at_end)
{
        if (is_php(extension, length))
                return ALLOW_CODE;
        for (size_t i = 0; i < LENGTH(extensions); i++)
                if (equals(extension, length, extensions[i].text))
                        return extensions[i].where == ANYWHERE || at_end ? extensions[i].kind : 0;
        return 0;
}

/* All kinds that the extensions of a name have, from the last one to the first. */
static unsigned int name_kinds(const char *name)
{
        unsigned int kinds = 0;
        bool at_end = true;

        for (size_t i = strlen(name); i-- > 0;) {
                const char *extension = name + i + 1;
                size_t length = 0;

                if (name[i] != '.')
                        continue;
                while (is_word((unsigned char)extension[length]))
                        length++;
                kinds |= extension_kind(extension, length, at_end);
                if (is_inert(extension, length))
                        at_end = false;
        }
        return kinds;
}

static bool is_control(const char *name)
{
        size_t length = strlen(name);

        /* Trailing dots and spaces are dropped by some file systems. */
        while (length > 0 && (name[length - 1] == '.' || (unsigned char)name[length - 1] <= ' '))
                length--;
        for (size_t i = 0; i < LENGTH(control_names); i++) {
                size_t begin = strlen(control_names[i].begins), end = strlen(control_names[i].ends);

                if (length >= begin + end && strncasecmp(name, control_names[i].begins, begin) == 0 &&
                    strncasecmp(name + length - end, control_names[i].ends, end) == 0)
                        return true;
        }
        return false;
}

/* A folder is not run; but /x.php/picture.jpg is taken for x.php by some configurations, and cgi-bin for programs. */
static bool is_code_folder(const char *name)
{
        const char *dot = strrchr(name, '.');

        return equals(name, strlen(name), "cgi-bin") || (dot && is_php(dot + 1, strlen(dot + 1)));
}

/* ---------------------------------------------------------------- contents */

struct head {
        const unsigned char *bytes;
        size_t length;
};

static bool begins(struct head head, const char *text, size_t length)
{
        return head.length >= length && memcmp(head.bytes, text, length) == 0;
}

static bool begins_word(struct head head, const char *word)
{
        size_t length = strlen(word);

        return head.length >= length && strncasecmp((const char *)head.bytes, word, length) == 0;
}

/* Offset of `word` (without case) from `from` on, or the length of the head. */
static size_t find_word(struct head head, size_t from, const char *word)
{
        while (from < head.length) {
                const unsigned char *found = memchr(head.bytes + from, word[0], head.length - from);

                if (!found)
                        break;
                from = (size_t)(found - head.bytes);
                if (begins_word((struct head){ found, head.length - from }, word))
                        return from;
                from++;
        }
        return head.length;
}

/* True when text follows: in compressed pictures three given bytes turn up by chance, eleven readable ones don't. */
static bool text_follows(struct head head, size_t from)
{
        size_t n = 0;

        while (from < head.length && n < 8) {
                unsigned char c = head.bytes[from++];

                if ((c < ' ' && c != '\t' && c != '\n' && c != '\r') || c >= 0x7f)
                        return false;
                n++;
        }
        return n > 0;
}

/* Tags of languages that a server runs, anywhere in the head: a picture in front of them does not stop PHP. */
static bool holds_code(struct head head)
{
        static const char *const certain[] = { "<?php", "<!--#exec", "<!--#include", "__HALT_COMPILER" };
        static const char *const with_text[] = { "<?=",
                                                 "<? ",
                                                 "<?\n",
                                                 "<?\r",
                                                 "<?\t",
                                                 "<%@",
                                                 "<script language=php",
                                                 "<script language=\"php",
                                                 "<script language='php" };

        if (begins(head, "#!", 2) || begins(head,
                                            "\x7f"
                                            "ELF",
                                            4))
                return true;
        for (size_t i = 0; i < LENGTH(certain); i++)
                if (find_word(head, 0, certain[i]) < head.length)
                        return true;
        for (size_t i = 0; i < LENGTH(with_text); i++)
                for (size_t at = 0; (at = find_word(head, at, with_text[i])) < head.length; at++)
                        if (text_follows(head, at + strlen(with_text[i])))
                                return true;
        return false;
}

/* Skips what a browser skips before it sniffs: a byte order mark and white space. */
static struct head skip_space(struct head head)
{
        if (begins(head, "\xef\xbb\xbf", 3))
                head = (struct head){ head.bytes + 3, head.length - 3 };
        while (head.length > 0 && strchr("\t\n\f\r ", head.bytes[0]) && head.bytes[0]) {
                head.bytes++;
                head.length--;
        }
        return head;
}

/* The table of the WHATWG MIME Sniffing Standard (7.1), and tags that it leaves out but that some browsers took for
 * HTML. Each must be followed by white space, ">" or "/". */
static bool is_html(struct head head)
{
        static const char *const tags[] = {
                "<!doctype", "<html",  "<head",     "<script", "<iframe", "<h1",    "<div",   "<font",
                "<table",    "<a",     "<style",    "<title",  "<b",      "<body",  "<br",    "<p",
                "<svg",      "<math",  "<meta",     "<link",   "<img",    "<base",  "<form",  "<object",
                "<embed",    "<frame", "<frameset", "<center", "<span",   "<video", "<audio", "<template",
        };

        head = skip_space(head);
        if (begins(head, "<!--", 4) || begins_word(head, "<?xml"))
                return true;
        for (size_t i = 0; i < LENGTH(tags); i++) {
                size_t length = strlen(tags[i]);

                if (begins_word(head, tags[i]) && (head.length == length || strchr("\t\n\f\r >/", head.bytes[length])))
                        return true;
        }
        return false;
}

/* Programs for the browser that are no text: WebAssembly, and Flash with a version that exists. */
static bool is_browser_binary(struct head head)
{
        return begins(head, "\0asm", 4) ||
               (head.length > 8 && (begins(head, "FWS", 3) || begins(head, "CWS", 3) || begins(head, "ZWS", 3)) &&
                head.bytes[3] < 64 && head.bytes[3] != '\n' && head.bytes[3] != ' ');
}

/* UTF-16 with or without its mark: the Latin letters of it into `narrow`. False when it is something else. */
static bool narrow_utf16(struct head head, unsigned char narrow[static POLICY_HEAD_SIZE], struct head *ret_head)
{
        bool big = begins(head, "\xfe\xff", 2), little = begins(head, "\xff\xfe", 2);
        size_t n = 0;

        if (!big && !little && head.length >= 4) {
                big = !head.bytes[0] && head.bytes[1] && !head.bytes[2] && head.bytes[3];
                little = head.bytes[0] && !head.bytes[1] && head.bytes[2] && !head.bytes[3];
        } else {
                head = (struct head){ head.bytes + 2, head.length >= 2 ? head.length - 2 : 0 };
        }
        if (!big && !little)
                return false;
        for (size_t i = 0; i + 1 < head.length && n < POLICY_HEAD_SIZE; i += 2) {
                unsigned char high = head.bytes[big ? i : i + 1], low = head.bytes[big ? i + 1 : i];

                narrow[n++] = high ? 0xff : low;
        }
        *ret_head = (struct head){ narrow, n };
        return true;
}

/* Servers know dozens of types that end in "+xml" (kml, gpx, xspf, dae ...), and a browser shows each of them as a page
 * when an XHTML name space turns up, under any root element and however far down. */
static bool is_markup(struct head head)
{
        unsigned char c;

        head = skip_space(head);
        if (head.length < 2 || head.bytes[0] != '<')
                return false;
        c = head.bytes[1];
        return c == '?' || c == '!' || c == '_' || c == ':' || c >= 0x80 || (is_word(c) && (c < '0' || c > '9'));
}

/* Ends in an extension that has a type of its own, which is not markup. */
static bool has_inert_end(const char *name)
{
        const char *dot = strrchr(name, '.');

        return dot && is_inert(dot + 1, strlen(dot + 1));
}

static unsigned int content_kinds(struct head head, bool is_plain)
{
        unsigned char narrow[POLICY_HEAD_SIZE];
        struct head wide;
        unsigned int kinds = 0;

        if (holds_code(head))
                kinds |= ALLOW_CODE;
        if (is_html(head) || is_browser_binary(head) || (!is_plain && is_markup(head)))
                kinds |= ALLOW_HTML;
        if (narrow_utf16(head, narrow, &wide)) {
                if (holds_code(wide))
                        kinds |= ALLOW_CODE;
                if (is_html(wide) || (!is_plain && is_markup(wide)))
                        kinds |= ALLOW_HTML;
        }
        return kinds;
}

/* ---------------------------------------------------------------- the decision */

enum breach policy_check(unsigned int allow, const char *name, mode_t mode, const void *bytes, size_t length)
{
        struct head head = { bytes, bytes ? length : 0 };
        unsigned int kinds;

        if (!S_ISREG(mode) && !S_ISDIR(mode) && !(S_ISLNK(mode) && allow & ALLOW_LINKS))
                return BREACH_TYPE;
        if (!(allow & ALLOW_CONTROL) && is_control(name))
                return BREACH_CONTROL;
        if (S_ISDIR(mode))
                return !(allow & ALLOW_CODE) && is_code_folder(name) ? BREACH_CODE : BREACH_NONE;
        kinds = name_kinds(name);
        if (kinds & ~allow & ALLOW_CODE)
                return BREACH_CODE;
        if (kinds & ~allow & ALLOW_HTML)
                return BREACH_HTML;
        if (S_ISLNK(mode))
                return BREACH_NONE;
        if (head.length > POLICY_HEAD_SIZE)
                head.length = POLICY_HEAD_SIZE;
        if (head.length > 0) {
                unsigned int content = content_kinds(head, has_inert_end(name));

                if (content & ~allow & ALLOW_CODE)
                        return BREACH_CODE;
                /* A program that may be there begins as it likes: it is run, not shown. */
                if (content & ~allow & ALLOW_HTML && !(kinds & ALLOW_CODE))
                        return BREACH_HTML;
        }
        /* setuid and setgid are lifted by nothing. */
        if (mode & (S_ISUID | S_ISGID) || (mode & 0111 && !(allow & ALLOW_EXECUTE)))
                return BREACH_EXECUTE;
        return BREACH_NONE;
}

const char *breach_english(enum breach breach)
{
        static const char *const texts[] = {
                [BREACH_NONE] = N_("it is allowed here"),
                [BREACH_TYPE] = N_("it is neither a folder nor a regular file"),
                [BREACH_CODE] = N_("a web server may run it"),
                [BREACH_HTML] = N_("a browser may show it as a page of this site or run it as a script"),
                [BREACH_CONTROL] = N_("it steers the server"),
                [BREACH_EXECUTE] = N_("it may be executed, or is setuid or setgid"),
        };

        return (size_t)breach < LENGTH(texts) ? texts[breach] : "";
}

const char *breach_text(enum breach breach)
{
        return _(breach_english(breach));
}

int allow_parse(const char *text, unsigned int *ret_allow, struct error *err)
{
        unsigned int allow = 0;

        for (const char *word = text;;) {
                size_t length = strcspn(word, ",");
                unsigned int bit = 0;

                for (size_t i = 0; i < ALLOW_WORD_COUNT; i++)
                        if (strlen(allow_words[i].word) == length && memcmp(word, allow_words[i].word, length) == 0)
                                bit = allow_words[i].bit;
                if (!bit)
                        return error_usage(err,
                                           _("\"%.*s\" is nothing that can be allowed: say code, control, execute, "
                                             "html or links, separated by commas"),
                                           (int)length, word);
                allow |= bit;
                if (word[length] == '\0')
                        break;
                word += length + 1;
        }
        *ret_allow = allow;
        return 0;
}
