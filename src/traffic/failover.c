#include "failover.h"

#include "base/i18n.h"

#define DECIDE(verdict, why) ((struct failover_decision){ (verdict), (why) })

static bool is_fresh(int64_t age_ms, int64_t limit_ms)
{
        return age_ms >= 0 && age_ms <= limit_ms;
}

static struct failover_decision judge_standby(const struct failover_sight *sight, const struct failover_policy *policy)
{
        if (sight->standby == STANDING_UNKNOWN || !is_fresh(sight->standby_age_ms, policy->standby_ms))
                return DECIDE(FAILOVER_CALL, WHY_STANDBY_UNKNOWN);
        if (sight->standby == STANDING_DIFFERS)
                return DECIDE(policy->heal ? FAILOVER_HEAL : FAILOVER_CALL, WHY_DIFFERS);
        if (sight->standby == STANDING_NOT)
                return DECIDE(FAILOVER_CALL, WHY_NOT_ELIGIBLE);
        if (!is_fresh(sight->verified_age_ms, policy->verified_ms))
                return DECIDE(FAILOVER_CALL, WHY_NOT_VERIFIED);
        return DECIDE(FAILOVER_MOVE, WHY_DEAD);
}

static struct failover_decision judge_history(const struct failover_sight *sight, const struct failover_policy *policy)
{
        if (sight->since_flip_ms >= 0 && sight->since_flip_ms < policy->hold_down_ms)
                return DECIDE(FAILOVER_CALL, WHY_HOLD_DOWN);
        if (policy->flips && sight->flips >= policy->flips)
                return DECIDE(FAILOVER_CALL, WHY_FLIPS);
        return DECIDE(FAILOVER_MOVE, WHY_DEAD);
}

struct failover_decision failover_readiness(const struct failover_sight *sight, const struct failover_policy *policy)
{
        struct failover_decision decision;

        if (!is_fresh(sight->arbiter_age_ms, policy->standby_ms))
                return DECIDE(FAILOVER_STAY, WHY_ARBITER);
        if (!sight->home)
                return DECIDE(FAILOVER_CALL, WHY_NOT_HOME);
        if (sight->database == VIEW_BAD)
                return DECIDE(FAILOVER_CALL, WHY_DATABASE);
        decision = judge_standby(sight, policy);
        return decision.verdict == FAILOVER_MOVE ? judge_history(sight, policy) : decision;
}

/* The site has failed as often as it may. */
static struct failover_decision confirm(const struct failover_sight *sight, const struct failover_policy *policy)
{
        if (!is_fresh(sight->there_age_ms, policy->fresh_ms) || sight->there == VIEW_NONE)
                return DECIDE(FAILOVER_ASK, WHY_UNCONFIRMED);
        if (sight->there == VIEW_GOOD)
                return DECIDE(FAILOVER_STAY, WHY_ONE_SIDED);
        if (!is_fresh(sight->database_age_ms, policy->fresh_ms) || sight->database == VIEW_NONE)
                return DECIDE(FAILOVER_ASK, WHY_UNCONFIRMED);
        return failover_readiness(sight, policy);
}

struct failover_decision failover_decide(const struct failover_sight *sight, const struct failover_policy *policy)
{
        if (sight->moving)
                return DECIDE(FAILOVER_STAY, WHY_MOVING);
        if (sight->here == VIEW_NONE || !is_fresh(sight->here_age_ms, policy->fresh_ms))
                return DECIDE(FAILOVER_STAY, WHY_BLIND);
        if (sight->here == VIEW_GOOD || sight->failures == 0) {
                if (policy->heal && sight->standby == STANDING_DIFFERS && is_fresh(sight->standby_age_ms, policy->standby_ms))
                        return DECIDE(FAILOVER_HEAL, WHY_DIFFERS);
                return DECIDE(FAILOVER_STAY, WHY_WELL);
        }
        if (sight->failures < policy->failures)
                return DECIDE(FAILOVER_ASK, WHY_SUSPECTED);
        if (!is_fresh(sight->arbiter_age_ms, policy->standby_ms))
                return DECIDE(FAILOVER_STAY, WHY_ARBITER);
        if (!sight->home)
                return DECIDE(FAILOVER_CALL, WHY_NOT_HOME);
        return confirm(sight, policy);
}

/* ---- words ---- */

static const struct {
        const char *name, *text;
} words[WHYS] = {
        [WHY_MOVING] = { "moving", N_("a move has not ended; 'understudy switch --resume' goes on with it, '--undo' takes it "
                                      "back") },
        [WHY_BLIND] = { "blind", N_("the site could not be looked at from the controller") },
        [WHY_WELL] = { "well", N_("the site is well") },
        [WHY_SUSPECTED] = { "suspected", N_("the site failed, but not as often as the configuration says") },
        [WHY_ARBITER] = { "arbiter", N_("the database's host does not answer, and without it nobody may be moved") },
        [WHY_NOT_HOME] = { "not-home", N_("the stand-by is on stage already, and nothing moves back by itself: 'understudy "
                                          "return' does, when production is mended") },
        [WHY_ONE_SIDED] = { "one-sided", N_("the stand-by sees the site well: the trouble is on the way from the controller") },
        [WHY_UNCONFIRMED] = { "unconfirmed", N_("the stand-by has not said yet what it sees") },
        [WHY_DATABASE] = { "database", N_("the database itself does not answer, so moving the site would not help") },
        [WHY_STANDBY_UNKNOWN] = { "standby-unknown", N_("the stand-by does not say whether visitors may be sent there") },
        [WHY_DIFFERS] = { "differs", N_("the stand-by is not equal to its release; 'understudy verify' there shows what "
                                        "differs, 'understudy pull' mends it") },
        [WHY_NOT_ELIGIBLE] = { "not-eligible", N_("the stand-by is not eligible for visitors; 'understudy status' there says "
                                                  "why") },
        [WHY_NOT_VERIFIED] = { "not-verified", N_("the stand-by was not verified lately; run 'understudy verify' there, and "
                                                  "let its timer do so") },
        [WHY_HOLD_DOWN] = { "hold-down", N_("the last failover was too short a time ago (hold_down); 'understudy switch' is "
                                            "possible at any time") },
        [WHY_FLIPS] = { "flips", N_("there were as many failovers as may be (flips within flips_window); find out why, and use "
                                    "'understudy switch'") },
        [WHY_DEAD] = { "dead", N_("it failed as seen from here and from the stand-by") },
};

const char *failover_why_text(enum failover_why why)
{
        return _(words[why].text);
}

const char *failover_why_name(enum failover_why why)
{
        return words[why].name;
}
