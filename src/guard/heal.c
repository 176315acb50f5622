/* heal.c - see the table in heal.h. */
#include "guard/heal.h"

static int64_t delay_ms(unsigned int streak)
{
        int64_t delay = 1000;

        if (streak < HEAL_AT_ONCE)
                return 0;
        for (unsigned int i = HEAL_AT_ONCE; i < streak && delay < HEAL_LONGEST_MS; i++)
                delay *= 2;
        return delay < HEAL_LONGEST_MS ? delay : HEAL_LONGEST_MS;
}

static enum heal_action pull(struct heal *heal, int64_t now_ms)
{
        heal->phase = HEAL_RUNNING;
        heal->again = false;
        heal->last_ms = now_ms;
        heal->streak++;
        return HEAL_PULL;
}

/* Something has to be healed and nothing runs. */
static enum heal_action want(struct heal *heal, int64_t now_ms)
{
        int64_t delay;

        if (heal->streak > 0 && now_ms - heal->last_ms > HEAL_WINDOW_MS + delay_ms(heal->streak))
                heal->streak = 0; /* it was quiet for long enough */
        delay = delay_ms(heal->streak);
        heal->looping = delay > 0;
        if (delay == 0)
                return pull(heal, now_ms);
        heal->phase = HEAL_WAITING;
        heal->due_ms = now_ms + delay;
        return HEAL_NOTHING;
}

enum heal_action heal_step(struct heal *heal, enum heal_event event, int64_t now_ms)
{
        switch (event) {
        case HEAL_FINDING:
                if (heal->phase == HEAL_QUIET)
                        return want(heal, now_ms);
                if (heal->phase == HEAL_RUNNING)
                        heal->again = true;
                return HEAL_NOTHING;
        case HEAL_DONE:
                heal->phase = HEAL_QUIET;
                heal->unfinished = false;
                return heal->again ? want(heal, now_ms) : HEAL_NOTHING;
        case HEAL_FAILED:
                if (heal->streak < HEAL_AT_ONCE)
                        heal->streak = HEAL_AT_ONCE; /* a repository that is away is not asked in a circle */
                heal->phase = HEAL_WAITING;
                heal->again = false;
                heal->due_ms = now_ms + delay_ms(heal->streak);
                return HEAL_NOTHING;
        case HEAL_CLEAN:
                if (heal->phase == HEAL_WAITING && !heal->unfinished)
                        heal->phase = HEAL_QUIET;
                return HEAL_NOTHING;
        case HEAL_BEGUN: heal->unfinished = true; return HEAL_NOTHING;
        case HEAL_UNDONE: heal->unfinished = false; return HEAL_NOTHING;
        case HEAL_TICK:
                if (heal->phase == HEAL_WAITING && now_ms >= heal->due_ms)
                        return pull(heal, now_ms);
                return HEAL_NOTHING;
        }
        return HEAL_NOTHING;
}

int64_t heal_wait_ms(const struct heal *heal, int64_t now_ms)
{
        if (heal->phase != HEAL_WAITING)
                return -1;
        return heal->due_ms > now_ms ? heal->due_ms - now_ms : 0;
}
