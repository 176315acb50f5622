/* pq.h - libpq (https://www.postgresql.org/docs/15/libpq.html), loaded late; see late.h. */
#ifndef LATE_PQ_H
#define LATE_PQ_H

#include <libpq-fe.h>

#include "late/late.h"

extern const struct late_library late_pq;

#ifdef UNDERSTUDY_LATE_LIBRARIES

#define LATE_PQ(FUNCTION) \
        FUNCTION(PQclear) FUNCTION(PQconnectPoll) FUNCTION(PQconnectStart) FUNCTION(PQconsumeInput) \
        FUNCTION(PQerrorMessage) FUNCTION(PQexecParams) FUNCTION(PQfinish) FUNCTION(PQgetResult) \
        FUNCTION(PQgetvalue) FUNCTION(PQisBusy) FUNCTION(PQntuples) FUNCTION(PQparameterStatus) \
        FUNCTION(PQresultStatus) FUNCTION(PQsendQueryParams) FUNCTION(PQsocket) FUNCTION(PQstatus) FUNCTION(PQuser)

LATE_PQ(LATE_DECLARE)

#define PQclear           late_PQclear
#define PQconnectPoll     late_PQconnectPoll
#define PQconnectStart    late_PQconnectStart
#define PQconsumeInput    late_PQconsumeInput
#define PQerrorMessage    late_PQerrorMessage
#define PQexecParams      late_PQexecParams
#define PQfinish          late_PQfinish
#define PQgetResult       late_PQgetResult
#define PQgetvalue        late_PQgetvalue
#define PQisBusy          late_PQisBusy
#define PQntuples         late_PQntuples
#define PQparameterStatus late_PQparameterStatus
#define PQresultStatus    late_PQresultStatus
#define PQsendQueryParams late_PQsendQueryParams
#define PQsocket          late_PQsocket
#define PQstatus          late_PQstatus
#define PQuser            late_PQuser

#endif

#endif
