/*
 * portal.c - the lab's customers' portal: a FastCGI program whose login page is made from a template, as in 2009.
 *
 *     understudy-portal SOCKET TEMPLATES CONNINFO SERVER [NOTICES]
 *
 * Listens at SOCKET (a path), reads TEMPLATES/login.html and TEMPLATES/home.html at each request, keeps accounts in the
 * PostgreSQL of CONNINFO, and says SERVER in X-Served-By and in what it writes. One request at a time.
 *
 *     GET  /portal/         the login page; the account's own page once logged in
 *     POST /portal/login    name, password
 *     POST /portal/write    words: a note of the account
 *     POST /portal/logout
 *     POST /portal/acknowledge   the account has read its notice
 *     GET  /portal/health   200 if the database can be written to, else 503
 *
 * Beside its session cookie it sets one with the session's tag, which the web server logs: the session itself is in no
 * log. A template has {{account}}, {{message}}, {{last_login}} and {{notice}}; what is put in is escaped.
 *
 * With NOTICES, the socket of `understudy incident serve`, the account's page shows its notice until it is acknowledged.
 * Nobody waits for that: when it is not answered in time, the page comes without, and standard error says so.
 */
#include <fcgiapp.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "accounts.h"
#include "base/attributes.h"
#include "base/buffer.h"
#include "base/html.h"
#include "base/io.h"
#include "base/text.h"
#include "form.h"
#include "notice.h"

#define BODY_MAXIMUM     8192
#define TEMPLATE_MAXIMUM (256U << 10)
#define PAGE_MAXIMUM     (1U << 20)
#define NOTICE_MAXIMUM   8192

struct portal {
        const char *templates, *server;
        const char *notices; /* the socket; NULL: none */
        struct accounts *accounts;
};

struct page {
        const char *status;  /* "200 OK" */
        const char *name;    /* of the template */
        const char *message; /* "" */
        const struct session *session; /* NULL: nobody is logged in */
        bool set_cookies, clear_cookies;
};

static volatile sig_atomic_t told_to_stop;

static void stop(int signal_number)
{
        (void)signal_number;
        told_to_stop = 1;
        FCGX_ShutdownPending();
}

/* ---- pages ---- */

static const char *value_of(const struct page *page, const char *name, size_t length)
{
        if (length == 7 && memcmp(name, "message", length) == 0)
                return page->message;
        if (length == 7 && memcmp(name, "account", length) == 0)
                return page->session ? page->session->account : "";
        if (length == 10 && memcmp(name, "last_login", length) == 0)
                return page->session && page->session->last_login[0] ? page->session->last_login : "-";
        return "";
}

/* The account's notice, with a button; nothing when it has none, or nobody answers. */
static void put_notice(const struct portal *portal, struct html *html, const struct session *session)
{
        char text[NOTICE_MAXIMUM];
        const char *words;

        if (!portal->notices || !session)
                return;
        switch (notice_ask(portal->notices, session->account, session->language, text, sizeof(text), &words)) {
        case NOTICE_NONE: return;
        case NOTICE_SILENT:
                fprintf(stderr, "understudy-portal: no notice is shown: %s\n", words);
                return;
        case NOTICE_THERE: break;
        }
        html_markup(html, "<section role=\"alert\"><p>");
        html_words(html, "%s", text);
        html_markup(html, "</p>\n<form method=\"post\" action=\"/portal/acknowledge\"><button>OK</button></form></section>");
}

/* The template with its {{names}} replaced. */
static void fill(const struct portal *portal, struct html *html, const struct buffer *template, const struct page *page)
{
        const char *at = buffer_text(template), *open, *close;

        while ((open = strstr(at, "{{")) && (close = strstr(open, "}}"))) {
                const size_t length = (size_t)(close - open) - 2;
                const char *value = value_of(page, open + 2, length);

                if (html->code == 0)
                        html->code = buffer_append(&html->text, at, (size_t)(open - at));
                if (length == 6 && memcmp(open + 2, "notice", length) == 0)
                        put_notice(portal, html, page->session);
                html_text(html, value, strlen(value));
                at = close + 2;
        }
        if (html->code == 0)
                html->code = buffer_append_text(&html->text, at);
}

static void send_plain(const struct portal *portal, FCGX_Request *request, const char *status, const char *words)
{
        FCGX_FPrintF(request->out,
                     "Status: %s\r\nContent-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n"
                     "X-Served-By: %s\r\n\r\n%s\n",
                     status, portal->server, words);
}

static void send_cookies(FCGX_Request *request, const struct page *page)
{
        if (page->set_cookies)
                FCGX_FPrintF(request->out,
                             "Set-Cookie: portal_session=%s; Path=/; HttpOnly; SameSite=Lax\r\n"
                             "Set-Cookie: portal_tag=%s; Path=/; SameSite=Lax\r\n",
                             page->session->id, page->session->tag);
        if (page->clear_cookies)
                FCGX_FPrintF(request->out, "Set-Cookie: portal_session=; Path=/; Max-Age=0\r\n"
                                           "Set-Cookie: portal_tag=; Path=/; Max-Age=0\r\n");
}

static void send_page(const struct portal *portal, FCGX_Request *request, const struct page *page)
{
        _cleanup_(buffer_done) struct buffer template = BUFFER_INIT(TEMPLATE_MAXIMUM);
        _cleanup_(html_done) struct html html = HTML_INIT(PAGE_MAXIMUM);
        _cleanup_(fd_closep) int folder = open(portal->templates, O_PATH | O_DIRECTORY | O_CLOEXEC);
        struct error error = ERROR_NONE;

        if (folder < 0 || file_read(folder, page->name, &template, &error) < 0) {
                send_plain(portal, request, "500 Internal Server Error", "The page's template cannot be read.");
                return;
        }
        fill(portal, &html, &template, page);
        if (html_end(&html, &error) < 0) {
                send_plain(portal, request, "500 Internal Server Error", error.text);
                return;
        }
        FCGX_FPrintF(request->out, "Status: %s\r\nContent-Type: text/html; charset=utf-8\r\nCache-Control: no-store\r\nX-Served-By: %s\r\n",
                     page->status, portal->server);
        send_cookies(request, page);
        FCGX_FPrintF(request->out, "\r\n");
        FCGX_PutStr(html.text.data, (int)html.text.length, request->out);
}

/* ---- requests ---- */

static const char *parameter(const FCGX_Request *request, const char *name)
{
        const char *value = FCGX_GetParam(name, request->envp);

        return value ? value : "";
}

static void send_away(const struct portal *portal, FCGX_Request *request)
{
        const struct page page = { .status = "503 Service Unavailable", .name = "login.html",
                                   .message = "The accounts cannot be reached just now. Please try again in a minute." };

        send_page(portal, request, &page);
}

static void show(const struct portal *portal, FCGX_Request *request, const struct session *session)
{
        const struct page page = { .status = "200 OK", .name = session ? "home.html" : "login.html", .message = "",
                                   .session = session };

        send_page(portal, request, &page);
}

static void login(const struct portal *portal, FCGX_Request *request, const char *body)
{
        char name[ACCOUNT_NAME_SIZE], password[256];
        struct session session;
        enum accounts_answer answer = ACCOUNTS_NO;
        struct page page = { .status = "403 Forbidden", .name = "login.html",
                             .message = "There is no account with this name and password." };

        if (form_field(body, "name", name, sizeof(name)) && form_field(body, "password", password, sizeof(password)))
                answer = accounts_login(portal->accounts, name, password, parameter(request, "REMOTE_ADDR"),
                                        parameter(request, "HTTP_USER_AGENT"), &session);
        if (answer == ACCOUNTS_AWAY) {
                send_away(portal, request);
                return;
        }
        if (answer == ACCOUNTS_YES)
                page = (struct page){ .status = "200 OK", .name = "home.html", .message = "", .session = &session,
                                      .set_cookies = true };
        send_page(portal, request, &page);
}

static void write_note(const struct portal *portal, FCGX_Request *request, const char *body, const struct session *session)
{
        char words[NOTE_SIZE];
        struct page page = { .status = "200 OK", .name = "home.html", .message = "Written.", .session = session };

        if (!form_field(body, "words", words, sizeof(words))) {
                page.status = "400 Bad Request";
                page.message = "A note has between 1 and 1000 bytes.";
        } else if (accounts_write(portal->accounts, session->account, portal->server, words) != ACCOUNTS_YES) {
                send_away(portal, request);
                return;
        }
        send_page(portal, request, &page);
}

/* What is not known to be read is shown again by the page that comes now. */
static void acknowledge(const struct portal *portal, FCGX_Request *request, const struct session *session)
{
        const struct page page = { .status = "200 OK", .name = "home.html", .message = "", .session = session };

        if (portal->notices && !notice_acknowledge(portal->notices, session->account))
                fprintf(stderr, "understudy-portal: that a notice was read is not known to its service\n");
        send_page(portal, request, &page);
}

static void logout(const struct portal *portal, FCGX_Request *request, const struct session *session)
{
        const struct page page = { .status = "200 OK", .name = "login.html", .message = "", .clear_cookies = true };

        if (accounts_logout(portal->accounts, session->id) == ACCOUNTS_YES)
                send_page(portal, request, &page);
        else
                send_away(portal, request);
}

static void health(const struct portal *portal, FCGX_Request *request)
{
        if (accounts_probe(portal->accounts) == ACCOUNTS_YES)
                send_plain(portal, request, "200 OK", "well");
        else
                send_plain(portal, request, "503 Service Unavailable", accounts_error(portal->accounts));
}

static void serve_session(const struct portal *portal, FCGX_Request *request, const char *path, const char *body)
{
        char id[SESSION_ID_SIZE];
        struct session session;
        enum accounts_answer answer = ACCOUNTS_NO;

        if (form_cookie(FCGX_GetParam("HTTP_COOKIE", request->envp), "portal_session", id, sizeof(id)) && id[0])
                answer = accounts_session(portal->accounts, id, &session);
        if (answer == ACCOUNTS_AWAY)
                send_away(portal, request);
        else if (body && answer == ACCOUNTS_YES && text_equal(path, "/portal/write"))
                write_note(portal, request, body, &session);
        else if (body && answer == ACCOUNTS_YES && text_equal(path, "/portal/acknowledge"))
                acknowledge(portal, request, &session);
        else if (body && answer == ACCOUNTS_YES && text_equal(path, "/portal/logout"))
                logout(portal, request, &session);
        else if (body)
                send_plain(portal, request, answer == ACCOUNTS_YES ? "404 Not Found" : "403 Forbidden", "Please log in.");
        else
                show(portal, request, answer == ACCOUNTS_YES ? &session : NULL);
}

static void serve(const struct portal *portal, FCGX_Request *request)
{
        const char *path = parameter(request, "DOCUMENT_URI"), *method = parameter(request, "REQUEST_METHOD");
        const bool posted = text_equal(method, "POST");
        char body[BODY_MAXIMUM + 1] = "";
        int length = posted ? FCGX_GetStr(body, BODY_MAXIMUM, request->in) : 0;

        body[length > 0 ? length : 0] = '\0';
        if (posted && length == BODY_MAXIMUM)
                send_plain(portal, request, "413 Content Too Large", "A form has less than 8192 bytes.");
        else if (!posted && !text_equal(method, "GET") && !text_equal(method, "HEAD"))
                send_plain(portal, request, "405 Method Not Allowed", "GET and POST only.");
        else if (text_equal(path, "/portal/health"))
                health(portal, request);
        else if (posted && text_equal(path, "/portal/login"))
                login(portal, request, body);
        else if (posted || text_equal(path, "/portal/"))
                serve_session(portal, request, path, posted ? body : NULL);
        else
                send_plain(portal, request, "404 Not Found", "There is no such page.");
}

int main(int argc, char **argv)
{
        struct portal portal;
        FCGX_Request request;
        int socket;

        if (argc != 5 && argc != 6) {
                fprintf(stderr, "usage: understudy-portal SOCKET TEMPLATES CONNINFO SERVER [NOTICES]\n");
                return 2;
        }
        portal = (struct portal){ .templates = argv[2], .server = argv[4], .notices = argv[5],
                                   .accounts = accounts_new(argv[3]) };
        sigaction(SIGTERM, &(struct sigaction){ .sa_handler = stop }, NULL);
        signal(SIGPIPE, SIG_IGN);
        if (!portal.accounts || FCGX_Init() != 0 || (socket = FCGX_OpenSocket(argv[1], 64)) < 0 ||
            FCGX_InitRequest(&request, socket, FCGI_FAIL_ACCEPT_ON_INTR) != 0) {
                fprintf(stderr, "understudy-portal: cannot listen at %s\n", argv[1]);
                return 3;
        }
        while (!told_to_stop && FCGX_Accept_r(&request) >= 0)
                serve(&portal, &request);
        FCGX_Finish_r(&request);
        accounts_free(portal.accounts);
        close(socket);
        (void)unlink(argv[1]);
        return 0;
}
