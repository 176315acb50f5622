/* Any bytes as an answer of etcd: what is told of it is in bounds, and a move that can be read is written as it was. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "traffic/coordinator.h"
#include "traffic/etcd.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
        struct etcd_answer answer;
        char again[COORDINATOR_MOVE_SIZE];
        struct move move;
        bool waits;

        if (size > ETCD_ANSWER_MAXIMUM || etcd_answer_parse((const char *)data, size, 200, &answer, NULL) < 0)
                return 0;
        if (strnlen(answer.value, sizeof(answer.value)) == sizeof(answer.value) || answer.revision <= 0)
                abort();
        if (!coordinator_move_read(answer.value, &move, &waits))
                return 0;
        coordinator_move_write(&move, waits, again);
        if (!text_equal(again, answer.value))
                abort();
        return 0;
}
