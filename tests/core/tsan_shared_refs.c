/* tsan_shared_refs.c - a plain program: threads share blocks, and exactly one of them sees each count reach zero.
 * Criterion does not run under the thread sanitizer. */
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "pagedkv.h"

enum { THREADS = 4, BLOCKS = 16, ROUNDS = 2000 };

static struct kv_shared_refs shared;
static unsigned char payload[BLOCKS]; /* written only by whoever dropped the last reference */
static pthread_barrier_t barrier;
static _Atomic unsigned failures, last_ones;

static void expect(int ok)
{
    failures += !ok;
}

static void *work(void *unused)
{
    (void)unused;
    uint32_t left;
    for (int round = 0; round < ROUNDS; round++) {
        pthread_barrier_wait(&barrier);
        for (uint32_t block = 0; block < BLOCKS; block++) {
            expect(kv_shared_refs_ref(&shared, block) == KV_OK);
            expect(kv_shared_refs_unref(&shared, block, &left) == KV_OK && left > 0);
        }
        for (uint32_t block = 0; block < BLOCKS; block++) {
            expect(kv_shared_refs_unref(&shared, block, &left) == KV_OK);
            if (left > 0)
                continue;
            last_ones++;
            payload[block]++;
            expect(kv_shared_refs_take(&shared, block) == KV_OK);
            for (int i = 1; i < THREADS; i++)
                expect(kv_shared_refs_ref(&shared, block) == KV_OK);
        }
        pthread_barrier_wait(&barrier);
    }
    return NULL;
}

int main(void)
{
    pthread_t threads[THREADS];
    if (kv_shared_refs_init(&shared, BLOCKS) != KV_OK)
        return 1;
    pthread_barrier_init(&barrier, NULL, THREADS);
    for (uint32_t block = 0; block < BLOCKS; block++)
        for (int i = 0; i < THREADS; i++)
            expect((i ? kv_shared_refs_ref : kv_shared_refs_take)(&shared, block) == KV_OK);
    for (int i = 0; i < THREADS; i++)
        pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    printf("shared_refs: %u failures, %u last references of %u\n", failures, last_ones, BLOCKS * ROUNDS);
    kv_shared_refs_deinit(&shared);
    return failures != 0 || last_ones != BLOCKS * ROUNDS;
}
