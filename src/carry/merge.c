#include "carry/merge.h"

#include <stddef.h>

static bool is_same(const struct carry_entry *one, const struct carry_entry *other)
{
        return one && other && carry_same(one, other);
}

static struct carry_verdict decide_both(const struct carry_entry *stage, const struct carry_entry *rest,
                                        const struct carry_entry *agreed, bool two_ways)
{
        if (carry_same(stage, rest))
                return (struct carry_verdict){ CARRY_AGREE, false };
        if (is_same(rest, agreed) || (stage->type == CARRY_FOLDER && rest->type == CARRY_FOLDER))
                return (struct carry_verdict){ CARRY_TO_REST, false };
        if (two_ways && is_same(stage, agreed))
                return (struct carry_verdict){ CARRY_TO_STAGE, false };
        return (struct carry_verdict){ CARRY_REPLACE, two_ways };
}

struct carry_verdict carry_decide(const struct carry_entry *stage, const struct carry_entry *rest,
                                  const struct carry_entry *agreed, bool two_ways)
{
        if ((stage && stage->type == CARRY_REFUSED) || (rest && rest->type == CARRY_REFUSED))
                return (struct carry_verdict){ CARRY_LEAVE, false };
        if (!stage && !rest)
                return (struct carry_verdict){ CARRY_FORGET, false };
        if (!rest)
                return (struct carry_verdict){ CARRY_TO_REST, false };
        if (stage)
                return decide_both(stage, rest, agreed, two_ways);
        if (two_ways && !agreed)
                return (struct carry_verdict){ CARRY_TO_STAGE, false };
        return (struct carry_verdict){ CARRY_KEEP, two_ways && !is_same(rest, agreed) };
}
