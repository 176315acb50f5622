/* json_line.c - which key of which server's JSON is which field. */
#include "json_line.h"

#include <string.h>
#include <strings.h>

#include "accesslog/beacon.h"
#include "accesslog/json_scan.h"
#include "accesslog/scan.h"
#include "base/attributes.h"

/* What a value means. One parser for all three servers: the keys tell them apart, and each must bring those that a line
 * can't do without. */
enum meaning {
        M_ADDRESS,
        M_ADDRESS_WEAK, /* counts only when there is no better one (Caddy: remote_ip before client_ip came) */
        M_TIME_SECONDS,
        M_TIME_TEXT,
        M_METHOD,
        M_TARGET,
        M_PROTOCOL,
        M_STATUS,
        M_BYTES,
        M_TOTAL,
        M_LENGTH,
        M_DURATION_SECONDS,
        M_DURATION_NS,
        M_REFERRER,
        M_AGENT,
        M_HOST,
        M_USER,
        M_COMPLETE,
        M_ID,
        M_ETAG,
        M_LAST_MODIFIED,
        M_ENCODING,
        M_RANGE,
        M_IF_NONE_MATCH,
        M_IF_MODIFIED_SINCE,
        M_FILE,
        M_ROOT,
        M_UPSTREAM,
        M_TAG,
        M_RELEASE,
        M_ORIGIN,
        M_BODY,
};

struct key {
        const char *path; /* names joined by '.'; compared without case, for header names differ in it */
        enum meaning meaning;
};

/* RECIPES: nginx, log what an exposure needs. */
static const struct key understudy_keys[] = {
        {"ts",    M_TIME_SECONDS     },
        { "rt",   M_DURATION_SECONDS },
        { "id",   M_ID               },
        { "ip",   M_ADDRESS          },
        { "m",    M_METHOD           },
        { "uri",  M_TARGET           },
        { "p",    M_PROTOCOL         },
        { "st",   M_STATUS           },
        { "bb",   M_BYTES            },
        { "bs",   M_TOTAL            },
        { "cl",   M_LENGTH           },
        { "etag", M_ETAG             },
        { "lm",   M_LAST_MODIFIED    },
        { "ce",   M_ENCODING         },
        { "rng",  M_RANGE            },
        { "inm",  M_IF_NONE_MATCH    },
        { "ims",  M_IF_MODIFIED_SINCE},
        { "fn",   M_FILE             },
        { "root", M_ROOT             },
        { "ok",   M_COMPLETE         },
        { "up",   M_UPSTREAM         },
        { "tag",  M_TAG              },
        { "rel",  M_RELEASE          },
        { "ref",  M_REFERRER         },
        { "ua",   M_AGENT            },
        { "host", M_HOST             },
        { "user", M_USER             },
};

/* https://caddyserver.com/docs/caddyfile/directives/log */
static const struct key caddy_keys[] = {
        {"ts",                                 M_TIME_SECONDS     },
        { "request.client_ip",                 M_ADDRESS          },
        { "request.remote_ip",                 M_ADDRESS_WEAK     },
        { "request.remote_addr",               M_ADDRESS_WEAK     },
        { "request.method",                    M_METHOD           },
        { "request.uri",                       M_TARGET           },
        { "request.proto",                     M_PROTOCOL         },
        { "request.host",                      M_HOST             },
        { "request.headers.User-Agent",        M_AGENT            },
        { "request.headers.Referer",           M_REFERRER         },
        { "request.headers.Range",             M_RANGE            },
        { "request.headers.If-None-Match",     M_IF_NONE_MATCH    },
        { "request.headers.If-Modified-Since", M_IF_MODIFIED_SINCE},
        { "resp_headers.Etag",                 M_ETAG             },
        { "resp_headers.Last-Modified",        M_LAST_MODIFIED    },
        { "resp_headers.Content-Encoding",     M_ENCODING         },
        { "resp_headers.Content-Length",       M_LENGTH           },
        { "user_id",                           M_USER             },
        { "duration",                          M_DURATION_SECONDS },
        { "size",                              M_BYTES            },
        { "status",                            M_STATUS           },
};

/* https://doc.traefik.io/traefik/observability/access-logs/ */
static const struct key traefik_keys[] = {
        {"ClientHost",                   M_ADDRESS          },
        { "ClientUsername",              M_USER             },
        { "StartUTC",                    M_TIME_TEXT        },
        { "time",                        M_TIME_TEXT        },
        { "RequestMethod",               M_METHOD           },
        { "RequestPath",                 M_TARGET           },
        { "RequestProtocol",             M_PROTOCOL         },
        { "RequestHost",                 M_HOST             },
        { "DownstreamStatus",            M_STATUS           },
        { "DownstreamContentSize",       M_BYTES            },
        { "Duration",                    M_DURATION_NS      },
        { "request_User-Agent",          M_AGENT            },
        { "request_Referer",             M_REFERRER         },
        { "request_Range",               M_RANGE            },
        { "request_If-None-Match",       M_IF_NONE_MATCH    },
        { "request_If-Modified-Since",   M_IF_MODIFIED_SINCE},
        { "downstream_Etag",             M_ETAG             },
        { "downstream_Last-Modified",    M_LAST_MODIFIED    },
        { "downstream_Content-Encoding", M_ENCODING         },
        { "ServiceAddr",                 M_UPSTREAM         },
};

/* data/nginx-beacon-http.conf */
static const struct key beacon_keys[] = {
        {"ts",      M_TIME_SECONDS},
        { "ip",     M_ADDRESS     },
        { "m",      M_METHOD      },
        { "origin", M_ORIGIN      },
        { "ref",    M_REFERRER    },
        { "ua",     M_AGENT       },
        { "body",   M_BODY        },
};

static const struct {
        enum log_format_kind kind;
        const struct key *keys;
        size_t count;
        const char *sign; /* a key that only this server's lines have */
} servers[] = {
        {LOG_UNDERSTUDY_JSON, understudy_keys, LENGTH(understudy_keys), "st"         },
        { LOG_CADDY_JSON,     caddy_keys,      LENGTH(caddy_keys),      "request.uri"},
        { LOG_TRAEFIK_JSON,   traefik_keys,    LENGTH(traefik_keys),    "RequestPath"},
        { LOG_BEACON,         beacon_keys,     LENGTH(beacon_keys),     "b"          },
};
#define SERVER_BEACON (LENGTH(servers) - 1)

struct parsing {
        size_t server, next; /* the key that is looked for first: the one behind the last, for so the lines have them */
        struct log_line *line;
        bool sign, time, address, damaged;
        struct span target;
        struct span origin, body; /* of a beacon */
};

static inline char lower(char c)
{
        return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* Whether the names on the way are this path. Short names of many lines: no calls. */
static inline bool is_path(const char *path, const struct span *keys, unsigned int depth)
{
        for (unsigned int i = 0; i < depth; i++) {
                for (uint32_t at = 0; at < keys[i].length; at++, path++)
                        if (*path == '\0' || lower(*path) != lower(keys[i].text[at]))
                                return false;
                if (*path++ != (i + 1 < depth ? '.' : '\0'))
                        return false;
        }
        return true;
}

static struct span *text_field(struct log_line *line, enum meaning meaning)
{
        switch (meaning) {
        case M_METHOD: return &line->method;
        case M_PROTOCOL: return &line->protocol;
        case M_REFERRER: return &line->referrer;
        case M_AGENT: return &line->agent;
        case M_HOST: return &line->host;
        case M_USER: return &line->user;
        case M_ID: return &line->id;
        case M_ETAG: return &line->etag;
        case M_LAST_MODIFIED: return &line->last_modified;
        case M_ENCODING: return &line->encoding;
        case M_RANGE: return &line->range;
        case M_IF_NONE_MATCH: return &line->if_none_match;
        case M_IF_MODIFIED_SINCE: return &line->if_modified_since;
        case M_FILE: return &line->file;
        case M_ROOT: return &line->root;
        case M_UPSTREAM: return &line->upstream;
        case M_TAG: return &line->tag;
        case M_RELEASE: return &line->release;
        default: return NULL;
        }
}

/* Numbers come as numbers or, from nginx, as strings; empty ones are absent. False when one is damaged. */
static bool set_number(struct log_line *line, enum meaning meaning, struct span value)
{
        uint64_t number = 0;

        if (value.length == 0 || (value.length == 1 && *value.text == '-'))
                return true;
        if (meaning == M_DURATION_SECONDS) {
                /* Go writes small durations as 1.5e-05: below a microsecond's use for anybody. */
                if (memchr(value.text, 'e', value.length))
                        line->duration_us = 0;
                else if (!scan_seconds(value.text, value.length, &line->duration_us))
                        return false;
                line->present |= LOG_HAS_DURATION;
                return true;
        }
        if (!scan_number(value.text, value.length, &number))
                return false;
        switch (meaning) {
        case M_STATUS:
                if (number > 999)
                        return false;
                line->status = (uint16_t)number;
                line->present |= LOG_HAS_STATUS;
                return true;
        case M_BYTES:
                line->bytes = number;
                line->present |= LOG_HAS_BYTES;
                return true;
        case M_TOTAL:
                line->total_bytes = number;
                line->present |= LOG_HAS_TOTAL;
                return true;
        case M_DURATION_NS:
                line->duration_us = (int64_t)(number / 1000);
                line->present |= LOG_HAS_DURATION;
                return true;
        default: line->content_length = number; return true;
        }
}

static bool set(struct parsing *p, enum meaning meaning, struct span value)
{
        struct log_line *line = p->line;
        struct span *text = text_field(line, meaning);

        if (text) {
                if (text->length == 0)
                        *text = scan_field(value.text, value.text + value.length);
                return true;
        }
        switch (meaning) {
        case M_ADDRESS:
        case M_ADDRESS_WEAK:
                if (value.length && (meaning == M_ADDRESS || !p->address)) {
                        scan_address(value.text, value.length, line);
                        p->address = true;
                }
                return true;
        case M_TIME_SECONDS: p->time = scan_seconds(value.text, value.length, &line->time_us); return p->time;
        case M_TIME_TEXT:
                if (!p->time)
                        p->time = scan_time(value.text, value.length, &line->time_us);
                return p->time;
        case M_TARGET: p->target = value; return true;
        case M_ORIGIN: p->origin = scan_field(value.text, value.text + value.length); return true;
        case M_BODY: p->body = value; return true;
        case M_COMPLETE:
                line->complete = value.length == 2 && memcmp(value.text, "OK", 2) == 0;
                line->present |= LOG_HAS_COMPLETE;
                return true;
        default: return set_number(line, meaning, value);
        }
}

static bool scalar(void *context, const struct span *keys, unsigned int depth, enum json_type type, struct span value)
{
        struct parsing *p = context;
        const size_t count = servers[p->server].count;

        if (type != JSON_TYPE_STRING && type != JSON_TYPE_NUMBER)
                return true;
        if (is_path(servers[p->server].sign, keys, depth))
                p->sign = true;
        for (size_t i = 0, at = p->next; i < count; i++, at = at + 1 < count ? at + 1 : 0) {
                if (!is_path(servers[p->server].keys[at].path, keys, depth))
                        continue;
                if (!set(p, servers[p->server].keys[at].meaning, value))
                        p->damaged = true;
                p->next = at + 1 < count ? at + 1 : 0;
                break;
        }
        return true;
}

static bool parse_as(size_t server, const char *text, size_t length, char *scratch, struct log_line *ret_line)
{
        struct parsing p = { .server = server, .line = ret_line };

        *ret_line = (struct log_line){ 0 };
        if (!json_scan(text, length, scratch, scalar, &p) || !p.sign || p.damaged || !p.time || !p.address)
                return false;
        if (server == SERVER_BEACON)
                return beacon_fill(ret_line, p.origin, p.body, scratch + length);
        if (!(ret_line->present & LOG_HAS_STATUS))
                return false;
        if (p.target.text)
                scan_target(p.target, ret_line);
        return true;
}

enum log_format_kind json_line_parse(const char *line, size_t length, char *scratch, struct log_line *ret_line)
{
        if (length > 5 && memcmp(line, "{\"b\":", 5) == 0) /* its own first key: others are not looked at for it */
                return length <= BEACON_LINE_MAXIMUM && parse_as(SERVER_BEACON, line, length, scratch, ret_line)
                               ? LOG_BEACON
                               : LOG_UNKNOWN;
        for (size_t i = 0; i < SERVER_BEACON; i++)
                if (parse_as(i, line, length, scratch, ret_line))
                        return servers[i].kind;
        return LOG_UNKNOWN;
}
