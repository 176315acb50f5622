/* Files that minisign 0.11 made: keys, and signatures of the six bytes "hello\n". */
#ifndef TESTS_MINISIGN_SAMPLES_H
#define TESTS_MINISIGN_SAMPLES_H

#define PLAIN_PUB_LINE "RWSg18ytnhk7yojZGZdoeCkc9Lq7w6ZDODoLPScaaBkqdA+k4stRMbT2"
#define PLAIN_PUB      "untrusted comment: minisign public key CA3B199EADCCD7A0\n" PLAIN_PUB_LINE "\n"
#define PLAIN_KEY                                                                                                      \
        "untrusted comment: minisign encrypted secret key\n"                                                           \
        "RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAoNfMrZ4ZO8rMKf63b/mQ+h72ZYBEWFN2XB4"  \
        "3L+iPlN+mQhTv1hLNX4jZGZdoeCkc9Lq7w6ZDODoLPScaaBkqdA+k4stRMbT2AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"

/* By the plain key; "ED" and, with minisign -l, "Ed". */
#define HASHED_SIGNATURE                                                                                               \
        "untrusted comment: signature from minisign secret key\n"                                                      \
        "RUSg18ytnhk7ysVq7IODKA1POeCVaR5kOl89e/oxE8vJiZY/WPwrFUv44nf/2J08fq/21AHJpgJXNpHrAMbvaWT8ya5q5fKi5wY=\n"       \
        "trusted comment: timestamp:1795439386\tfile:m\thashed\n"                                                      \
        "HmTP2FYIa5u21ArYcseN5EzP9/K+ty/Zt7fD7g60IRjuNOz0HwH/ZZYK3PHp7EmtkOTWxGG9ReUf+PUCSK1SCg==\n"
#define LEGACY_SIGNATURE                                                                                               \
        "untrusted comment: signature from minisign secret key\n"                                                      \
        "RWSg18ytnhk7yss8/MLS2AkuPJ2VqURxiyWfUX50LGK2lJyUybtzAdJqEZw+4y0e9TEGvnh1xOPaMBZIGscmgcBMCTvt6XBODAg=\n"       \
        "trusted comment: old kind\n"                                                                                  \
        "oQlq8Mw6/m+dmg3sgyV1pdsxCuw9gAA8oqaDnUlRQhNhZgOvnhTVBf9wYOm+n5we1ddgoZgv3NIRebPPBESIBQ==\n"

/* Encrypted with the password "horse", at the cost that minisign falls back to with 40 MB of address space. */
#define ENCRYPTED_PUB_LINE "RWSfsmE+KK8MHS/XUfwx4yWgY4hCTwJGY+c5buOVv3EQH95+of/gGAA6"
#define ENCRYPTED_KEY                                                                                                  \
        "untrusted comment: minisign encrypted secret key\n"                                                           \
        "RWRTY0Iy2q3qa00H4JTEuNhn+fTm4IqWiv5I8wOOZD/yPHyfJKsAABAAAAAAAAAAAAIAAAAAyFjpxZNQ7E003rGPj8vWiEGqc24EKxvugA0"  \
        "0yR1Q9k9Af9Tn5KFhMAUUWQLBZclff5uk9O03+KK6X7kP6SqwBIXOLWONPWYPU1NYxoZqlnK5SHPhst72H8+sdol1yuYFhW0ag+8X0iM=\n"

#endif
