/* progress.c - the one line that long work shows on a terminal. */
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/command.h"

#define REDRAW_MS   100
#define LINE_MS     500 /* between two lines for a program */
#define BAR_WIDTH   30
#define LINE_NARROW 60 /* columns below which the bar is left out */

static bool shown;
static int64_t last_ms;

static unsigned short columns(void)
{
        struct winsize size;

        return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

static void draw_bar(unsigned int percent)
{
        char bar[BAR_WIDTH + 1];

        for (unsigned int i = 0; i < BAR_WIDTH; i++)
                bar[i] = i < percent * BAR_WIDTH / 100 ? '#' : '.';
        bar[BAR_WIDTH] = '\0';
        fprintf(stderr, " [%s]", bar);
}

/* For a program that reads our standard error. */
static void show_line(const char *what, uint64_t done, uint64_t total, int64_t now)
{
        if (last_ms && now - last_ms < LINE_MS)
                return;
        last_ms = now;
        fprintf(stderr, PROGRESS_LINE "%llu %llu %s\n", (unsigned long long)done, (unsigned long long)total, what);
}

void progress_show(const struct common *common, const char *what, uint64_t done, uint64_t total)
{
        const char *how = getenv(PROGRESS_VARIABLE);
        int64_t now = clock_monotonic_ms();
        unsigned int percent;

        if (how && text_equal(how, "lines")) {
                show_line(what, done, total, now);
                return;
        }
        if (common->quiet || !isatty(STDERR_FILENO) || (shown && now - last_ms < REDRAW_MS && done != total))
                return;
        last_ms = now;
        shown = true;
        fprintf(stderr, "\r\033[K%s", what);
        if (total == 0) {
                fprintf(stderr, " %llu", (unsigned long long)done);
        } else {
                percent = done >= total ? 100 : (unsigned int)((double)done * 100.0 / (double)total);
                if (columns() >= LINE_NARROW)
                        draw_bar(percent);
                fprintf(stderr, " %3u%%", percent);
        }
        fflush(stderr);
}

void progress_end(void)
{
        if (!shown)
                return;
        shown = false;
        fputs("\r\033[K", stderr);
        fflush(stderr);
}
