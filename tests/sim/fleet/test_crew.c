/* test_crew.c - each piece of each round is done once, by whoever comes, and seen by the leader. */
#include <criterion/criterion.h>

#include "fleet/crew.h"

enum { PIECES = 37, ROUNDS = 3000 };

struct sums {
    uint32_t round;         /* the leader's */
    uint32_t told[PIECES];  /* the round that a piece was done in */
    uint32_t times[PIECES]; /* in this round */
    uint32_t pieces, wrong;
};

static void piece(void *self, uint32_t number)
{
    struct sums *sums = self;
    sums->told[number] = sums->round;
    sums->times[number]++;
}

static void lead(void *self, struct crew *crew)
{
    struct sums *sums = self;
    for (sums->round = 1; sums->round <= ROUNDS; sums->round++) {
        crew_round(crew);
        for (uint32_t i = 0; i < sums->pieces; i++) {
            sums->wrong += sums->told[i] != sums->round || sums->times[i] != 1;
            sums->times[i] = 0;
        }
    }
}

Test(crew, each_piece_of_each_round_is_done_once)
{
    for (uint32_t threads = 1; threads <= 4; threads++)
        for (uint32_t pieces = 0; pieces <= PIECES; pieces += pieces ? 18 : 1) {
            struct sums sums = {.pieces = pieces};
            crew_run(&(struct crew_work){.self = &sums, .lead = lead, .piece = piece, .pieces = pieces}, threads);
            cr_expect_eq(sums.wrong, 0, "%u threads, %u pieces", threads, pieces);
            cr_expect_eq(sums.round, ROUNDS + 1);
        }
}
