/* Any bytes as the answer to a query and to an update: nobody without the key makes an update look applied. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "traffic/dns_private.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct dns_zone zone = {
        .name = "example.org",
        .key = {"key.example.org", "hmac-sha256", "c2VjcmV0IHNlY3JldCBzZWNyZXQgc2VjcmV0IQ=="},
};

static struct dns_request *request_new(void)
{
        struct dns_records old = { .name = "www.example.org", .family = AF_INET, .ttl = 300, .count = 1 }, new;
        struct dns_request *request = NULL;

        old.values[0] = (struct peer_address){
                AF_INET, {192, 0, 2, 77}
        };
        new = old;
        new.values[0].bytes[3] = 78;
        if (dns_request_new(&zone, &old, &new, &request, NULL) < 0)
                abort();
        return request;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        static struct dns_request *request;
        struct dns_records records = { .count = 0 };
        struct error error = ERROR_NONE;
        enum dns_result result;

        if (!request)
                request = request_new();
        if (dns_answer_read(data, size, 0x1234, "www.example.org", AF_INET, &records, &error) == 0 &&
            (records.count > DNS_VALUES || records.family != AF_INET))
                abort();
        if (size >= 2) { /* with the right number, so that the rest is looked at */
                uint8_t *copy = malloc(size);
                size_t length;

                if (!copy)
                        return 0;
                memcpy(copy, data, size);
                memcpy(copy, dns_request_bytes(request, &length), 2);
                result = dns_request_read(request, &zone, copy, size, &error);
                if (result == DNS_APPLIED || result == DNS_NOT_AS_OLD)
                        abort();
                free(copy);
        }
        return 0;
}
