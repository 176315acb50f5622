/* curl.h - libcurl (https://curl.se/libcurl/c/), loaded late; see late.h. */
#ifndef LATE_CURL_H
#define LATE_CURL_H

#include <curl/curl.h>

#include "late/late.h"

extern const struct late_library late_curl;

#ifdef UNDERSTUDY_LATE_LIBRARIES

/* These are macros that check the type of the third argument: in a build that links the library they are in force. */
#undef curl_easy_setopt
#undef curl_easy_getinfo

#define LATE_CURL(FUNCTION) \
        FUNCTION(curl_easy_cleanup) FUNCTION(curl_easy_escape) FUNCTION(curl_easy_getinfo) FUNCTION(curl_easy_init) \
        FUNCTION(curl_easy_perform) FUNCTION(curl_easy_setopt) FUNCTION(curl_easy_strerror) \
        FUNCTION(curl_easy_unescape) FUNCTION(curl_free) FUNCTION(curl_global_init) FUNCTION(curl_mime_addpart) \
        FUNCTION(curl_mime_data_cb) FUNCTION(curl_mime_filename) FUNCTION(curl_mime_free) FUNCTION(curl_mime_init) \
        FUNCTION(curl_mime_name) FUNCTION(curl_multi_add_handle) FUNCTION(curl_multi_cleanup) \
        FUNCTION(curl_multi_info_read) FUNCTION(curl_multi_init) FUNCTION(curl_multi_perform) \
        FUNCTION(curl_multi_poll) FUNCTION(curl_multi_remove_handle) FUNCTION(curl_slist_append) \
        FUNCTION(curl_slist_free_all) FUNCTION(curl_url) FUNCTION(curl_url_cleanup) FUNCTION(curl_url_get) \
        FUNCTION(curl_url_set) FUNCTION(curl_url_strerror)

LATE_CURL(LATE_DECLARE)

#define curl_easy_cleanup        late_curl_easy_cleanup
#define curl_easy_escape         late_curl_easy_escape
#define curl_easy_getinfo        late_curl_easy_getinfo
#define curl_easy_init           late_curl_easy_init
#define curl_easy_perform        late_curl_easy_perform
#define curl_easy_setopt         late_curl_easy_setopt
#define curl_easy_strerror       late_curl_easy_strerror
#define curl_easy_unescape       late_curl_easy_unescape
#define curl_free                late_curl_free
#define curl_global_init         late_curl_global_init
#define curl_mime_addpart        late_curl_mime_addpart
#define curl_mime_data_cb        late_curl_mime_data_cb
#define curl_mime_filename       late_curl_mime_filename
#define curl_mime_free           late_curl_mime_free
#define curl_mime_init           late_curl_mime_init
#define curl_mime_name           late_curl_mime_name
#define curl_multi_add_handle    late_curl_multi_add_handle
#define curl_multi_cleanup       late_curl_multi_cleanup
#define curl_multi_info_read     late_curl_multi_info_read
#define curl_multi_init          late_curl_multi_init
#define curl_multi_perform       late_curl_multi_perform
#define curl_multi_poll          late_curl_multi_poll
#define curl_multi_remove_handle late_curl_multi_remove_handle
#define curl_slist_append        late_curl_slist_append
#define curl_slist_free_all      late_curl_slist_free_all
#define curl_url                 late_curl_url
#define curl_url_cleanup         late_curl_url_cleanup
#define curl_url_get             late_curl_url_get
#define curl_url_set             late_curl_url_set
#define curl_url_strerror        late_curl_url_strerror

#endif

#endif
