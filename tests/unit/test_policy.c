/* What may lie in a mutable area, name by name and head by head, and that an allowance lifts exactly its kind. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "base/attributes.h"
#include "manifest/policy.h"

#define ALL (ALLOW_CODE | ALLOW_HTML | ALLOW_CONTROL | ALLOW_LINKS | ALLOW_EXECUTE)

static enum breach name_breach(const char *name)
{
        return policy_check(0, name, S_IFREG | 0644, NULL, 0);
}

static void expect_names(const char *const *names, size_t count, enum breach expected)
{
        for (size_t i = 0; i < count; i++)
                if (name_breach(names[i]) != expected)
                        fail_msg("%s: %s", names[i], breach_text(name_breach(names[i])));
}

static void what_people_upload_passes(void **state)
{
        static const char *const names[] = {
                "photo.jpg",
                "IMG_0001.JPEG",
                "report.pdf",
                "a.b.c.png",
                "logo-allegro.pl.jpg",
                "node.js.pdf",
                "Acme.Inc.pdf",
                "sitemap.xml.pdf",
                "backup.zip",
                "data.json",
                "style.css",
                "README",
                "php",
                "phpinfo",
                "cgi",
                "html",
                "notes.txt",
                "film.mp4",
                "\xe5\x86\x99\xe7\x9c\x9f.jpg",
                ".gitkeep",
                "sess_0123abc",
                "photo.jpg.",
                "x.tar.gz",
                "v1.2.3",
                "a.de",
                "telephp.jpg",
                "my html.png",
                "-rf",
                "..x",
                "htaccess",
        };

        (void)state;
        expect_names(names, LENGTH(names), BREACH_NONE);
}

static void what_a_server_may_run_is_code(void **state)
{
        static const char *const names[] = {
                "x.php",
                "x.PHP",
                "x.pHp",
                "x.php3",
                "x.php7",
                "x.php8",
                "x.phps",
                "x.pht",
                "x.phtm",
                "x.phtml",
                "x.PHTML",
                "x.phar",
                "x.inc",
                "x.cgi",
                "x.fcgi",
                "x.pl",
                "x.py",
                "x.pyc",
                "x.rb",
                "x.sh",
                "x.lua",
                "x.asp",
                "x.aspx",
                "x.ashx",
                "x.jsp",
                "x.jspx",
                "x.war",
                "x.cfm",
                "x.shtml",
                "x.stm",
                "x.wsgi",
                /* several extensions */
                "x.php.jpg",
                "x.PHP.jpg",
                "x.php.jpg.png",
                "a.b.php.c.jpg",
                "x.phar.gif",
                "x.cgi.png",
                "x.jsp.txt",
                "x.php.bak",
                "x.php.de",
                "x.php~",
                "x.php.swp",
                "x.pl.bak",
                "x.py.gz",
                "x.inc.old",
                /* endings that some software drops or overlooks */
                "x.php.",
                "x.php..",
                "x.php ",
                "x.php. ",
                "x.php .jpg",
                "x.php\n",
                "x.php\r",
                "x.php\t.jpg",
                "x.php%00.jpg",
                "x.php;.jpg",
                "x.asp;.jpg",
                "x.php::$DATA",
                "x.php\xe2\x80\xae.jpg",
                "x.php-1.jpg",
                ".php",
                "..php",
        };

        (void)state;
        expect_names(names, LENGTH(names), BREACH_CODE);
}

static void what_a_browser_shows_is_html(void **state)
{
        static const char *const names[] = {
                "index.html", "index.HTM", "x.xhtml",   "x.xht",   "x.svg",   "x.SVGZ",   "x.xml",
                "x.xsl",      "x.mht",     "x.hta",     "x.js",    "x.mjs",   "x.wasm",   "x.swf",
                "x.html.jpg", "x.html.de", "x.html.gz", "x.js.gz", "x.js.br", "x.xml.gz", "x.svg.png",
                "x.html ",    "x.htm.",    "sw.js",     "x.js~",   "x.rss",
        };

        (void)state;
        expect_names(names, LENGTH(names), BREACH_HTML);
}

static void what_steers_the_server_is_control(void **state)
{
        static const char *const names[] = {
                ".htaccess",  ".HTACCESS", ".htaccess ", ".htpasswd",  ".htaccess.bak",
                ".user.ini",  ".User.Ini", "php.ini",    "php5.ini",   "web.config",
                "Web.Config", "web.xml",   ".html",      ".ftpaccess", "authorized_keys",
        };

        (void)state;
        expect_names(names, LENGTH(names), BREACH_CONTROL);
        assert_int_equal(policy_check(0, "WEB-INF", S_IFDIR | 0755, NULL, 0), BREACH_CONTROL);
}

static void types_and_bits(void **state)
{
        static const mode_t types[] = { S_IFLNK, S_IFIFO, S_IFSOCK, S_IFBLK, S_IFCHR };

        (void)state;
        for (size_t i = 0; i < LENGTH(types); i++) {
                assert_int_equal(policy_check(0, "x", types[i] | 0644, NULL, 0), BREACH_TYPE);
                assert_int_equal(policy_check(ALL, "x", types[i] | 0644, NULL, 0),
                                 types[i] == S_IFLNK ? BREACH_NONE : BREACH_TYPE);
        }
        assert_int_equal(policy_check(ALLOW_LINKS, "x.php", S_IFLNK | 0777, NULL, 0), BREACH_CODE);
        assert_int_equal(policy_check(ALLOW_LINKS, ".htaccess", S_IFLNK | 0777, NULL, 0), BREACH_CONTROL);

        assert_int_equal(policy_check(0, "2009", S_IFDIR | 02775, NULL, 0), BREACH_NONE);
        assert_int_equal(policy_check(0, "site.html", S_IFDIR | 0755, NULL, 0), BREACH_NONE);
        assert_int_equal(policy_check(0, "x.php", S_IFDIR | 0755, NULL, 0), BREACH_CODE);
        assert_int_equal(policy_check(0, "cgi-bin", S_IFDIR | 0755, NULL, 0), BREACH_CODE);

        assert_int_equal(policy_check(0, "x", S_IFREG | 0755, NULL, 0), BREACH_EXECUTE);
        assert_int_equal(policy_check(0, "x", S_IFREG | 0645, NULL, 0), BREACH_EXECUTE);
        assert_int_equal(policy_check(ALLOW_EXECUTE, "x", S_IFREG | 0755, NULL, 0), BREACH_NONE);
        assert_int_equal(policy_check(ALL, "x", S_IFREG | 04755, NULL, 0), BREACH_EXECUTE);
        assert_int_equal(policy_check(ALL, "x", S_IFREG | 02644, NULL, 0), BREACH_EXECUTE);
}

#define HEAD(text)                                                                                                     \
        {                                                                                                              \
                text, sizeof(text) - 1                                                                                 \
        }

struct sample {
        const char *bytes;
        size_t length;
};

static void expect_heads(const struct sample *heads, size_t count, enum breach expected)
{
        for (size_t i = 0; i < count; i++)
                if (policy_check(0, "x.jpg", S_IFREG | 0644, heads[i].bytes, heads[i].length) != expected)
                        fail_msg("%zu: %s", i, heads[i].bytes);
}

static void code_in_the_head_is_found(void **state)
{
        static const struct sample heads[] = {
                HEAD("<?php system($_GET[0]);"),
                HEAD("<?PhP\neval(1);"),
                HEAD("GIF89a\x01\x00\x01\x00<?php eval($_POST[1]); ?>"),
                HEAD("\xff\xd8\xff\xe0\x00\x10JFIF\x00<?=`$_GET[0]`?>"),
                HEAD("\x89PNG\r\n\x1a\n<? passthru('id'); ?>"),
                HEAD("\xff\xfe<\0?\0p\0h\0p\0 \0"),
                HEAD("\0<\0?\0p\0h\0p\0 "),
                HEAD("#!/bin/sh\n"),
                HEAD("#!perl"),
                HEAD("\x7f"
                     "ELF\x02\x01\x01"),
                HEAD("x<!--#exec cmd=\"id\" -->"),
                HEAD("text <script language=\"php\">system(1)</script>"),
                HEAD("GIF89a __HALT_COMPILER(); ?>"),
                HEAD("<%@ page import=\"java.io\" %>"),
        };

        (void)state;
        expect_heads(heads, LENGTH(heads), BREACH_CODE);
}

static void html_at_the_start_is_found(void **state)
{
        static const struct sample heads[] = {
                HEAD("<html>"),
                HEAD("<!DOCTYPE html>"),
                HEAD(" \t\r\n\f<HTML lang=ja>"),
                HEAD("<script>alert(1)"),
                HEAD("<iframe src=x>"),
                HEAD("<h1>"),
                HEAD("<a href=x>"),
                HEAD("<b>"),
                HEAD("<!-- x -->"),
                HEAD("<?xml version=\"1.0\"?>"),
                HEAD("<svg/onload=1>"),
                HEAD("\xef\xbb\xbf<p>"),
                HEAD("\xff\xfe<\0h\0t\0m\0l\0>\0"),
                HEAD("\xfe\xff\0<\0h\0t\0m\0l\0>"),
                HEAD("<\0h\0t\0m\0l\0>\0"),
                HEAD("\0asm\x01\0\0\0"),
                HEAD("CWS\x09\x10\0\0\0\0\0"),
        };

        (void)state;
        expect_heads(heads, LENGTH(heads), BREACH_HTML);
}

/* kml, gpx, xspf and many more are XML to a browser, whatever their root is called. */
static void markup_is_found_where_the_type_may_be_xml(void **state)
{
        static const struct sample heads[] = {
                HEAD("<kml xmlns:x=\"http://www.w3.org/1999/xhtml\"><x:script>alert(1)</x:script></kml>"),
                HEAD("<x:y>"),
                HEAD("\n <_ >"),
                HEAD("<?a b?><c/>"),
                HEAD("<!DOCTYPE x>"),
                HEAD("\xef\xbb\xbf<gpx>"),
                HEAD("\xff\xfe<\0k\0m\0l\0>\0"),
        };
        static const char *const names[] = { "x.kml", "x.gpx", "x.xspf", "x.txt.kml", "x", "x.unknown" };

        (void)state;
        for (size_t i = 0; i < LENGTH(heads); i++)
                for (size_t k = 0; k < LENGTH(names); k++)
                        assert_int_equal(policy_check(0, names[k], S_IFREG | 0644, heads[i].bytes, heads[i].length),
                                         BREACH_HTML);
        assert_int_equal(policy_check(0, "x.txt", S_IFREG | 0644, "<all@example.org> wrote", 23), BREACH_NONE);
        assert_int_equal(policy_check(0, "x.kml", S_IFREG | 0644, "<3 you", 6), BREACH_NONE);
        assert_int_equal(policy_check(ALLOW_HTML, "x.kml", S_IFREG | 0644, "<kml>", 5), BREACH_NONE);
}

static void ordinary_contents_pass(void **state)
{
        static const struct sample heads[] = {
                HEAD("\xff\xd8\xff\xe1 Exif <?xpacket begin=\"\xef\xbb\xbf\" id=\"W5M0\"?>"),
                HEAD("\x89PNG\r\n\x1a\n\0<?=\x01\x02\x80"),
                HEAD("GIF89a <? \x01"),
                HEAD("%PDF-1.4\n%\xe2\xe3\n<</Type/Catalog>>"),
                HEAD("Dear <all>, # ! php"),
                HEAD("<bold> is no tag"),
                HEAD("<all@example.org> wrote"),
                HEAD("text with <html> later"),
                HEAD("\xef\xbb\xbf"
                     "name;value\n"),
                HEAD("\xff\xfen\0a\0m\0e\0"),
                HEAD(""),
                HEAD("<"),
                HEAD("\xff\xfe"),
        };

        (void)state;
        expect_heads(heads, LENGTH(heads), BREACH_NONE);
}

static void an_allowance_lifts_exactly_its_kind(void **state)
{
        static const struct {
                const char *name, *head;
                mode_t mode;
                unsigned int needed;
                enum breach breach; /* with everything allowed but one of the needed: any of these */
        } cases[] = {
                {"x.php",      NULL,      S_IFREG | 0644, ALLOW_CODE,    BREACH_CODE   },
                { "x.php",     "<html>",  S_IFREG | 0644, ALLOW_CODE,    BREACH_CODE   },
                { "x.html",    "<html>",  S_IFREG | 0644, ALLOW_HTML,    BREACH_HTML   },
                { "x.txt",     "<html>",  S_IFREG | 0644, ALLOW_HTML,    BREACH_HTML   },
                { "x.txt",     "a <?php", S_IFREG | 0644, ALLOW_CODE,    BREACH_CODE   },
                { ".htaccess", NULL,      S_IFREG | 0644, ALLOW_CONTROL, BREACH_CONTROL},
                { "x",         NULL,      S_IFREG | 0755, ALLOW_EXECUTE, BREACH_EXECUTE},
                { "x",         NULL,      S_IFLNK | 0777, ALLOW_LINKS,   BREACH_TYPE   },
        };

        (void)state;
        for (size_t i = 0; i < LENGTH(cases); i++) {
                const char *head = cases[i].head;

                for (unsigned int allow = 0; allow <= ALL; allow++) {
                        enum breach found =
                                policy_check(allow, cases[i].name, cases[i].mode, head, head ? strlen(head) : 0);

                        assert_int_equal(found, allow & cases[i].needed ? BREACH_NONE : cases[i].breach);
                }
        }
        /* Two kinds at once need both. */
        assert_int_equal(policy_check(ALLOW_CODE, "x.shtml", S_IFREG, NULL, 0), BREACH_HTML);
        assert_int_equal(policy_check(ALLOW_HTML, "x.shtml", S_IFREG, NULL, 0), BREACH_CODE);
        assert_int_equal(policy_check(ALLOW_HTML, "x.html", S_IFREG, "<p><?php", 8), BREACH_CODE);
        assert_int_equal(policy_check(ALLOW_HTML | ALLOW_CODE, "x.shtml", S_IFREG, NULL, 0), BREACH_NONE);
}

/* The head is cut at its size: what lies behind is not looked at, and nothing is read past the end. */
static void only_the_head_counts(void **state)
{
        char bytes[POLICY_HEAD_SIZE + 16];

        (void)state;
        memset(bytes, 'x', sizeof(bytes));
        memcpy(bytes + POLICY_HEAD_SIZE, "<?php ", 6);
        assert_int_equal(policy_check(0, "x.txt", S_IFREG, bytes, sizeof(bytes)), BREACH_NONE);
        memcpy(bytes + POLICY_HEAD_SIZE - 5, "<?php", 5);
        assert_int_equal(policy_check(0, "x.txt", S_IFREG, bytes, sizeof(bytes)), BREACH_CODE);
}

static void words_of_allowances(void **state)
{
        struct error error = ERROR_NONE;
        unsigned int allow = 77;

        (void)state;
        assert_int_equal(allow_parse("html", &allow, NULL), 0);
        assert_int_equal(allow, ALLOW_HTML);
        assert_int_equal(allow_parse("links,code,execute,control,html", &allow, NULL), 0);
        assert_int_equal(allow, ALL);
        assert_int_equal(allow_parse("", &allow, &error), -EINVAL);
        assert_int_equal(error.status, EXIT_USAGE);
        assert_int_equal(allow_parse("html,", &allow, NULL), -EINVAL);
        assert_int_equal(allow_parse("htm", &allow, NULL), -EINVAL);
        assert_int_equal(allow_parse("HTML", &allow, NULL), -EINVAL);
        assert_int_equal(allow, ALL);
}

int main(void)
{
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(what_people_upload_passes),
                cmocka_unit_test(what_a_server_may_run_is_code),
                cmocka_unit_test(what_a_browser_shows_is_html),
                cmocka_unit_test(what_steers_the_server_is_control),
                cmocka_unit_test(types_and_bits),
                cmocka_unit_test(code_in_the_head_is_found),
                cmocka_unit_test(html_at_the_start_is_found),
                cmocka_unit_test(markup_is_found_where_the_type_may_be_xml),
                cmocka_unit_test(ordinary_contents_pass),
                cmocka_unit_test(an_allowance_lifts_exactly_its_kind),
                cmocka_unit_test(only_the_head_counts),
                cmocka_unit_test(words_of_allowances),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
