/*
 * agents.h - what a user agent says of browser, system and device. Asked once for each distinct agent.
 */
#ifndef ANALYZE_AGENTS_H
#define ANALYZE_AGENTS_H

#include <stddef.h>
#include <stdint.h>

/* Indices into fixed tables; 0 is "other" in each. Never more than 64 of a kind. */
uint16_t agent_browser(const char *agent, size_t length);
uint16_t agent_system(const char *agent, size_t length);

enum agent_device { DEVICE_OTHER, DEVICE_DESKTOP, DEVICE_MOBILE, DEVICE_TABLET, DEVICE_BOT, DEVICE_COUNT };
uint16_t agent_device(const char *agent, size_t length, uint16_t platform);

#define AGENT_KINDS 64

const char *agent_browser_name(uint16_t browser);
const char *agent_system_name(uint16_t platform);
const char *agent_device_name(uint16_t device);

#endif
